# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# For bash: commands, options and values as `devmap --help` and `devmap COMMAND --help` tell them, and devices.

_devmap_commands()
{
	devmap --help 2>/dev/null | sed -n 's/^\(usage:\)\{0,1\} *devmap \([a-z]*\) .*/\2/p'
}

_devmap_options()
{
	devmap "$1" --help 2>/dev/null | grep -o -- '\(^\|[[ ]\)--\{0,1\}[a-z][a-z-]*' | tr -d ' [' | sort -u
	echo --help
}

# The directory that the line names, or those where devmap looks, and the kernel engine's devices.
_devmap_devices()
{
	local dirs=${DEVMAP_DIR:-${XDG_RUNTIME_DIR:-/run}/devmap:/run/devmap} i

	for ((i = 2; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != --dir ]] || dirs=${COMP_WORDS[i + 1]}
	done
	tr : '\n' <<<"$dirs:/sys/class/devmap" | while read -r i; do
		ls -- "$i" 2>/dev/null
	done | sort -u
}

# What may stand where no option does.
_devmap_operands()
{
	case $1 in
	trace | stop) _devmap_devices ;;
	set)
		_devmap_devices
		devmap set --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*=\).*/\1/p'
		;;
	serve)
		compgen -f -X '!*.so' -- "$2"
		ls "$(dirname "$(command -v devmap)")/../lib/devmap" 2>/dev/null | sed -n 's/\.so$//p' | grep -v 'hw$'
		;;
	run) compgen -c -- "$2" ;;
	esac
}

_devmap()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} words

	if ((COMP_CWORD == 1)); then
		words="$(_devmap_commands) --help"
	else
		case $before in
		--dir) words=$(compgen -d -- "$word") ;;
		-o | --file) words=$(compgen -f -- "$word") ;;
		--on-crash) words='fail restart block' ;;
		--kernel-faults) words='none own all' ;;
		--sort) words='device owner waiters switches lost wait' ;;
		*)
			if [[ $word == -* ]]; then
				words=$(_devmap_options "$command")
			else
				words=$(_devmap_operands "$command" "$word")
			fi
			;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	[[ ${COMPREPLY[0]:-} != *= ]] || compopt -o nospace 2>/dev/null
}

complete -o default -F _devmap devmap
