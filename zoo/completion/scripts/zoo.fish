# Completion of zoo in fish: zoo completion fish > ~/.config/fish/completions/zoo.fish
function __zoo_complete
    set -l token (commandline -ct)
    for line in (command zoo __complete fish (commandline -opc) "$token" 2> /dev/null)
        if test "$line" = :files
            set -l head (string match -r -- '^[^=]*=' "$token")
            for path in (__fish_complete_path (string replace -r -- '^[^=]*=' '' "$token"))
                printf '%s\n' "$head$path"
            end
        else
            printf '%s\n' "$line"
        end
    end
end
complete -c zoo -f -a '(__zoo_complete)'
