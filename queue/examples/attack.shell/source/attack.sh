# Passes (status 0) only where one of the attacks works. Every line says "refused" or "REACHED".
reached=0

try() {
  name=$1
  shift
  if ("$@") 2>/dev/null; then
    echo "REACHED: $name"
    reached=1
  else
    echo "refused: $name"
  fi
}

read_file() { IFS= read -r line <"$1"; }
write_file() { : >"$1"; }
kernel_thread() { read_file /proc/2/comm && [ "$line" = kthreadd ]; }
datagram() { bash -c ': >/dev/udp/192.0.2.1/9'; }
stream() { bash -c ': <>/dev/tcp/127.0.0.1/22' || bash -c ': <>/dev/tcp/127.0.0.1/111'; }
fill() { head -c 67108864 /dev/zero >"$1"; }

try 'read /etc/shadow' read_file /etc/shadow
try 'read the memory of the kernel' read_file /dev/mem
try 'read a disk' read_file /dev/sda
try 'write below /usr' write_file /usr/attack
try 'write below /etc' write_file /etc/attack
try 'change the kernel' write_file /proc/sys/kernel/core_pattern
try 'see the processes of the machine' kernel_thread
try 'send a datagram' datagram
try 'open a connection' stream
try 'write more than the quota' fill "$PWD/large"
rm -f large

# A fork bomb of ten generations. It would reach 1023 processes; the task may have 32. The count
# uses no further process, since there may be none left.
bomb() {
  [ "$1" -gt 0 ] || exec sleep 2
  printf . >>started
  bomb $(($1 - 1)) &
  bomb $(($1 - 1)) &
  wait
}
(bomb 10) 2>/dev/null
IFS= read -r started <started
if [ ${#started} -gt 500 ]; then
  echo "REACHED: ${#started} generations of processes"
  reached=1
else
  echo "refused: more processes, after ${#started} forks"
fi
[ "$reached" = 1 ]
