#compdef zoo
# Completion of zoo in zsh: eval "$(zoo completion zsh)" in ~/.zshrc, after compinit
_zoo() {
    local line files=
    local -a answer candidates
    answer=("${(@f)$(command zoo __complete zsh "${(@Q)words[1,CURRENT]}" 2> /dev/null)}")
    for line in "${answer[@]}"; do
        case $line in
            (:files) files=1 ;;
            (?*) candidates+=("$line") ;;
        esac
    done
    [[ ${words[CURRENT]} == *=* ]] && compset -P '*='
    local found=1
    (( $#candidates )) && _describe zoo candidates && found=0
    [[ -n $files ]] && _files && found=0
    return $found
}
if [[ ${funcstack[1]} == _zoo ]]; then
    _zoo "$@"
else
    compdef _zoo zoo
fi
