# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# For fish: commands and options as `devmap --help` and `devmap COMMAND --help` tell them, and devices.

function __devmap_commands
	devmap --help 2>/dev/null | sed -n 's/^\(usage:\)\{0,1\} *devmap \([a-z]*\) .*/\2/p'
end

function __devmap_options
	set -l words (commandline -opc)
	devmap $words[2] --help 2>/dev/null | grep -o -- '\(^\|[[ ]\)--[a-z][a-z-]*' | tr -d ' [' | sort -u
	echo --help
end

function __devmap_devices
	for dir in $XDG_RUNTIME_DIR/devmap /run/devmap /sys/class/devmap
		ls $dir 2>/dev/null
	end | sort -u
end

complete -c devmap -f -n __fish_use_subcommand -a '(__devmap_commands)'
complete -c devmap -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -a '(__devmap_options)'
complete -c devmap -f -n '__fish_seen_subcommand_from trace stop set' -a '(__devmap_devices)'
complete -c devmap -f -n '__fish_seen_subcommand_from set' -a 'hold-ms= overhead-percent= lock-ms='
