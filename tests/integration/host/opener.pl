# Has things open that only its own host has: a log that it appends to twenty times a second, a FIFO that
# each line passes through, a listening unix socket, a deleted file, and a working directory.
#
#   opener.pl DIR
use strict;
use Socket;
use POSIX ();
my ($dir) = @ARGV;
exit 0 if fork;
POSIX::setsid();
POSIX::close($_) for 0 .. 20;
open(STDIN, '<', '/dev/null') && open(STDOUT, '>', '/dev/null') && open(STDERR, '>', '/dev/null') or die;
mkdir "$dir/work", 0700;
chdir "$dir/work" or die;
POSIX::mkfifo("$dir/fifo", 0640);
my ($socket, $fifo, $ghost, $log, $pid);
socket($socket, AF_UNIX, SOCK_STREAM, 0) && bind($socket, sockaddr_un("$dir/socket")) && listen($socket, 5) or die;
open($fifo, '+<', "$dir/fifo") && open($ghost, '+>', "$dir/ghost") && open($log, '>>', "$dir/log") or die;
syswrite($ghost, 'g' x 2_000_000) && unlink("$dir/ghost") or die;
open($pid, '>', "$dir/pid.new") && print($pid "$$\n") && close($pid) && rename("$dir/pid.new", "$dir/pid") or die;
for (my $number = 1;; $number++) {
  syswrite($fifo, sprintf("%9d\n", $number)) == 10 && sysread($fifo, my $line, 10) == 10 or die;
  syswrite($log, $line);
  select(undef, undef, undef, 0.05);
}
