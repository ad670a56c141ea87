# Shows a folder, read-only, as `/var/task` to one process and its children, and to nothing else on this machine. Needs a
# mount namespace of its own. The arguments are the folder and the command.
set -e
mount --bind "$1" /mnt
mount --types tmpfs tmpfs /var
mkdir /var/task
mount --bind /mnt /var/task
mount --options remount,bind,ro /var/task
shift
exec "$@"
