# bash completion of utramp(1).
#
# What can be written where comes from the tool itself: `utramp complete` (src/cli/complete.c).
# Names of functions are those of the module's file; a SONAME or short name is looked up with
# ldconfig.  Needs bash 4; bash-completion is used for the traced command if it is there.

# The words up to the cursor as the user wrote them: readline has cut them at : and =, too.
_utramp_words()
{
	local rest=${COMP_LINE:0:COMP_POINT} i
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		if ((i == 0)) || [[ $rest == [[:blank:]]* ]]; then
			words+=('')
			rest=${rest#"${rest%%[![:blank:]]*}"}
		fi
		if ((i == COMP_CWORD)); then
			words[-1]+=$rest
		else
			words[-1]+=${COMP_WORDS[i]}
			rest=${rest#"${COMP_WORDS[i]}"}
		fi
	done
}

# SONAMEs and their files, "libc.so.6 /lib/x86_64-linux-gnu/libc.so.6".
_utramp_libraries()
{
	PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null |
		awk '/x86-64/ && $1 ~ /\.so/ { print $1, $NF }'
}

# The file that a MODULE means: a path, a SONAME, a short name, a command.
_utramp_file()
{
	if [[ $1 == */* ]]; then
		echo "${1/#\~\//$HOME/}"
		return
	fi
	local file
	file=$(_utramp_libraries | awk -v m="$1" '$1 == m || index($1, m ".so") == 1 || \
		(index($1, m "-") == 1 && substr($1, length(m) + 2) ~ /^[0-9.]+\.so/) { print $2; exit }')
	[[ $file ]] || file=$(type -P -- "$1") || [[ ! -f $1 ]] || file=$1
	[[ $file ]] && echo "$file"
}

# Each function of this file appends to found[] what TEXT could become; end: what follows it.
_utramp_add_files()
{
	local name
	while IFS= read -r name; do
		if [[ -d $name ]]; then
			found+=("$name/")
			compopt -o nospace 2>/dev/null
		elif [[ $name == $2 ]]; then
			found+=("$name$3")
		fi
	done < <(compgen -f -- "$1")
}

_utramp_add_modules()
{
	local name
	compopt -o nospace 2>/dev/null
	if [[ $1 == */* ]]; then
		_utramp_add_files "$1" '*' "$2"
		return
	fi
	while IFS= read -r name; do
		[[ $name == "$1"* ]] && found+=("$name$2")
	done < <(_utramp_libraries | awk '{ print $1; sub(/\.so.*/, "", $1); print $1 }' | sort -u)
	_utramp_add_files "$1" '*' "$2"
}

# The length of MODULE in MODULE:FUNC, 0 without one: the last ':' that is no part of '::'.
_utramp_module()
{
	local i
	for ((i = ${#1} - 1; i > 0; i--)); do
		[[ ${1:i:1} == : && ${1:i-1:1} != : && ${1:i+1:1} != : ]] && break
	done
	echo "$i"
}

_utramp_add_functions()
{
	local n module file name
	n=$(_utramp_module "$1")
	if ((n <= 0)); then
		_utramp_add_modules "$1" :
		return
	fi
	module=${1:0:n}
	file=$(_utramp_file "$module") || return
	while IFS= read -r name; do
		[[ $name == "${1:n+1}"* ]] && found+=("$module:$name$2")
	done < <("$tool" complete functions "$file:${1:n+1}*" 2>/dev/null)
}

# _utramp_add KIND TEXT [END]: KIND is the word in the help.
_utramp_add()
{
	local kind=$1 text=$2 i
	case $kind in
	*'|'*)
		for i in ${kind//|/ }; do
			[[ $i == "$text"* && $i != *[A-Z]* ]] && found+=("$i")
		done
		;;
	*=*)
		if [[ $text != *=* ]]; then
			compopt -o nospace 2>/dev/null
			_utramp_add "${kind%%=*}" "$text" =
			return
		fi
		_utramp_add "${kind#*=}" "${text#*=}"
		for i in "${!found[@]}"; do
			found[i]=${text%%=*}=${found[i]}
		done
		;;
	FUNC* | PATTERN* | SPEC*) _utramp_add_functions "$text" "$3" ;;
	MODULE*) _utramp_add_modules "$text" "$3" ;;
	OBJ*) _utramp_add_files "$text" '*.o' ;;
	*FILE* | *HEADER*) _utramp_add_files "$text" '*' ;;
	DIR*) _utramp_add_files "$text" '' ;;
	NAME*)
		mapfile -t found < <(cat /proc/[0-9]*/comm 2>/dev/null | sort -u | grep -F -- "$text")
		for i in "${!found[@]}"; do
			[[ ${found[i]} == "$text"* ]] || unset "found[i]"
		done
		;;
	PID*)
		for i in /proc/[0-9]*; do
			[[ ${i#/proc/} == "$text"* ]] && found+=("${i#/proc/}")
		done
		;;
	esac
}

# Behind "--": as if it stood alone.
_utramp_command()
{
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif ((COMP_CWORD == $1)); then
		mapfile -t found < <(compgen -c -- "$cur")
	else
		_utramp_add_files "$cur" '*'
	fi
}

# What the verb takes: options[WORD]=VALUE, arguments[], command.
_utramp_ask()
{
	local what word value text
	while IFS=$'\t' read -r what word value text; do
		case $what in
		option) options[$word]=${value#-} ;;
		argument) arguments+=("$word") ;;
		command) command=1 ;;
		esac
	done < <("$tool" complete "$1" 2>/dev/null)
}

_utramp_of_verb()
{
	local -A options=()
	local arguments=() command='' pending='' seen=0 i
	_utramp_ask "${words[1]}"
	for ((i = 2; i < ${#words[@]} - 1; i++)); do
		if [[ $pending ]]; then
			pending=
		elif [[ ${words[i]} == -* ]]; then
			pending=${options[${words[i]}]-}
		else
			((++seen))
		fi
	done
	if [[ $pending ]]; then
		_utramp_add "$pending" "$cur"
	elif [[ $cur == --*=* ]]; then
		_utramp_add "${options[${cur%%=*}]-}" "${cur#*=}"
		for i in "${!found[@]}"; do
			found[i]=${cur%%=*}=${found[i]}
		done
	elif [[ $cur == -* ]]; then
		mapfile -t found < <(compgen -W "${!options[*]} ${command:+--}" -- "$cur")
	elif ((${#arguments[@]})); then
		((seen < ${#arguments[@]})) || seen=$((${#arguments[@]} - 1))
		_utramp_add "${arguments[seen]}" "$cur"
	fi
}

_utramp()
{
	local words cur tool quote='' found=() i n cut
	_utramp_words
	tool=${words[0]/#\~\//$HOME/}
	cur=${words[-1]}
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			_utramp_command $((i + 1))
			((${#found[@]})) && COMPREPLY=("${found[@]}")
			return
		fi
	done
	case $cur in
	[\'\"]*) quote=${cur:0:1} cur=${cur:1} ;;
	*) cur=${cur//\\/} ;;
	esac
	if ((${#words[@]} == 2)) || [[ ${words[1]} == help ]]; then
		((${#words[@]} > 3)) ||
			mapfile -t found < <(compgen -W "$("$tool" complete 2>/dev/null | cut -f1)
				$( ((${#words[@]} == 2)) && echo help --help --version)" -- "$cur")
	else
		_utramp_of_verb
	fi
	COMPREPLY=()
	for i in "${found[@]}"; do
		if [[ ! $quote ]]; then
			# readline replaces what is behind the last character that cuts words
			cut=
			for ((n = ${#cur}; n > 0 && ! ${#cut}; n--)); do
				[[ ${cur:n-1:1} == [:=] && $COMP_WORDBREAKS == *"${cur:n-1:1}"* ]] && cut=${cur:0:n}
			done
			i=${i#"$cut"}
			[[ $i == *[\ \(\)\<\>\&\*\;\'\"\|\$\[\]]* ]] && printf -v i %q "$i"
		fi
		COMPREPLY+=("$i")
	done
}

complete -F _utramp utramp
