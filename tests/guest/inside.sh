# Run by the guest's init: the steps of a boot, see inside.py.
exec /usr/bin/python3 tests/guest/inside.py "$@"
