# The watchdog of one uv-lambda-cdk process. It exists because a killed process cannot end its children: the system only
# closes its files, and with them the other end of this script's standard input.
#
# Reads a line `+ID` for every process group that starts, and `-ID` for every one that has ended. At the end of the input,
# kills the groups that are left.
groups=' '
end() {
  for id in $groups; do
    kill -KILL "-$id"
  done
  exit
}
# The signals of the terminal: the children do not get them.
trap end HUP INT QUIT TERM
while read -r line; do
  id=${line#?}
  case $line in
  +*) groups="$groups$id " ;;
  -*)
    case $groups in
    *" $id "*) groups="${groups%%" $id "*} ${groups#*" $id "}" ;;
    esac
    ;;
  esac
done
end
