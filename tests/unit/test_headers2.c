/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The DDI headers of include/ do not clash with libc's when they come first, nor does libc need
 * what they hide. That it compiles, without a warning, is the test; see test_headers.c.
 */

#include <sys/atomic.h>
#include <sys/avl.h>
#include <sys/buf.h>
#include <sys/byteorder.h>
#include <sys/fbio.h>
#include <sys/feature_tests.h>
#include <sys/id_space.h>
#include <sys/int_const.h>
#include <sys/int_fmtio.h>
#include <sys/int_limits.h>
#include <sys/int_types.h>
#include <sys/inttypes.h>
#include <sys/ioccom.h>
#include <sys/isa_defs.h>
#include <sys/list.h>
#include <sys/model.h>
#include <sys/pci.h>
#include <sys/policy.h>
#include <sys/taskq.h>
#include <sys/thread.h>
#include <sys/types32.h>
#include <sys/varargs.h>
#include <sys/visual_io.h>
#include <sys/vmem.h>
#include <sys/callo.h>
#include <sys/cmn_err.h>
#include <sys/conf.h>
#include <sys/cred.h>
#include <sys/ddi.h>
#include <sys/ddi_impldefs.h>
#include <sys/ddidevmap.h>
#include <sys/ddidmareq.h>
#include <sys/condvar.h>
#include <sys/ddipropdefs.h>
#include <sys/mutex.h>
#include <sys/rwlock.h>
#include <sys/semaphore.h>
#include <sys/t_lock.h>
#include <sys/ddifm.h>
#include <sys/dditypes.h>
#include <sys/debug.h>
#include <sys/devops.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/fs/snode.h>
#include <sys/ioctl.h>
#include <sys/kmem.h>
#include <sys/ksynch.h>
#include <sys/mman.h>
#include <sys/modctl.h>
#include <sys/note.h>
#include <sys/open.h>
#include <sys/param.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/sunddi.h>
#include <sys/sysmacros.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vnode.h>
#include <vm/as.h>
#include <vm/faultcode.h>
#include <vm/hat.h>
#include <vm/page.h>
#include <vm/seg.h>
#include <vm/seg_enum.h>

#include <aio.h>
#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
#include <linux/futex.h>
#include <linux/memfd.h>
#include <linux/userfaultfd.h>
#include <locale.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/types.h>
#include <sys/ucontext.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <syslog.h>
#include <termios.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <wchar.h>

/* Still libc's, after headers of the same names. */
static __attribute__((unused)) const struct {
	struct stat stat;
	struct pollfd pollfd;
	struct iovec iovec;
	struct timeval timeval;
	struct flock flock;
	int request;
} still_there = { .request = TIOCGWINSZ };

_Static_assert(LOCK_EX == 2 && POLLIN == 1 && S_IFCHR == 0020000 && ENXIO == 6, "libc");

int main(void)
{
	printf("1..1\nok 1 - headers, the DDI before libc\n");
	return 0;
}
