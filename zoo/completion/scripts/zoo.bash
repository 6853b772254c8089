# Completion of zoo in bash: eval "$(zoo completion bash)" in ~/.bashrc
_zoo() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :files) compopt -o default 2> /dev/null ;;
            ?*) COMPREPLY+=("$line") ;;
        esac
    done < <(command zoo __complete bash "${COMP_LINE:0:COMP_POINT}" "$2" 2> /dev/null)
}
complete -F _zoo zoo
