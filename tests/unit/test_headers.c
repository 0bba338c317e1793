/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The DDI headers of include/ do not clash with libc's when those come first, and have the values
 * of the reference. That it compiles, without a warning, is the test; test_headers2.c has the other
 * order.
 */

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

/* long long: gcc warns of comparing two kinds of enum, which is the point here. */
#define SAME(name, value) _Static_assert((long long)(name) == (long long)(value), #name)

SAME(DDI_SUCCESS, 0);
SAME(DDI_FAILURE, -1);
SAME(DEVMAP_OPS_REV, 1);
SAME(DEVMAP_ACCESS, 0);
SAME(DEVMAP_PROT, 1);
SAME(DEVMAP_LOCK, 2);
SAME(DEVMAP_UNLOCK, 3);
SAME(DEVMAP_ACCESS, F_INVAL);
SAME(DEVMAP_PROT, F_PROT);
SAME(DEVMAP_LOCK, F_SOFTLOCK);
SAME(DEVMAP_UNLOCK, F_SOFTUNLOCK);
SAME(DEVMAP_OTHER, 0);
SAME(DEVMAP_READ, 1);
SAME(DEVMAP_WRITE, 2);
SAME(DEVMAP_EXEC, 3);
SAME(DEVMAP_CREATE, 4);
SAME(DEVMAP_OTHER, S_OTHER);
SAME(DEVMAP_READ, S_READ);
SAME(DEVMAP_WRITE, S_WRITE);
SAME(DEVMAP_EXEC, S_EXEC);
SAME(DEVMAP_CREATE, S_CREATE);
SAME(S_READ_NOCOW, 5);
SAME(DEVMAP_DEFAULTS, 0x00);
SAME(DEVMAP_MAPPING_INVALID, 0x01);
SAME(DEVMAP_ALLOW_REMAP, 0x02);
SAME(DEVMAP_USE_PAGESIZE, 0x04);
SAME(DEVMAP_SETUP_FLAGS, 0x07);
SAME(DEVMAP_SETUP_DONE, 0x100);
SAME(DEVMAP_LOCK_INITED, 0x200);
SAME(DEVMAP_LOCKED, 0x800);
SAME(DEVMAP_FLAG_LARGE, 0x1000);
SAME(DDI_UMEM_SLEEP, 0);
SAME(DDI_UMEM_NOSLEEP, 1);
SAME(DDI_UMEM_PAGEABLE, 2);
SAME(DDI_UMEM_TRASH, 4);
SAME(DDI_UMEMLOCK_READ, 1);
SAME(DDI_UMEMLOCK_WRITE, 2);
SAME(KMEM_PAGEABLE, 0x100);
SAME(KMEM_NON_PAGEABLE, 0x200);
SAME(UMEM_LOCKED, 0x400);
SAME(UMEM_TRASH, 0x800);
SAME(IOMEM_DATA_CACHED, 0x10000);
SAME(IOMEM_DATA_UC_WR_COMBINE, 0x20000);
SAME(IOMEM_DATA_UNCACHED, 0x40000);
SAME(IOMEM_DATA_MASK, 0xF0000);
SAME(PROT_READ, 1);
SAME(PROT_WRITE, 2);
SAME(PROT_EXEC, 4);
SAME(PROT_USER, 8);
SAME(PROT_ALL, 0xf);
SAME(MAP_SHARED, 1);
SAME(MAP_PRIVATE, 2);
SAME(MAP_TYPE, 0xf);
SAME(MAP_FIXED, 0x10);
SAME(FC_HWERR, 1);
SAME(FC_ALIGN, 2);
SAME(FC_OBJERR, 3);
SAME(FC_PROT, 4);
SAME(FC_NOMAP, 5);
SAME(FC_NOSUPPORT, 6);
SAME(FC_MAKE_ERR(EINVAL), 0x1603);
SAME(FC_CODE(FC_MAKE_ERR(EINVAL)), FC_OBJERR);
SAME(FC_ERRNO(FC_MAKE_ERR(EINVAL)), EINVAL);
SAME(FC_MAKE_ERR(FC_MAKE_ERR(EINVAL)), 0x160303);
SAME((unsigned int)FC_MAKE_ERR(-1), 0xffffff03);
SAME(FC_ERRNO(FC_MAKE_ERR(-1)), 0xffffff);
SAME(D_NEW, 0);
SAME(D_HOTPLUG, 4);
SAME(D_MP, 0x20);
SAME(D_DEVMAP, 0x100);
SAME(D_64BIT, 0x200);
SAME(CB_REV, 1);
SAME(DEVO_REV, 4);
SAME(KM_SLEEP, 0);
SAME(MODREV_1, 1);
SAME(ENOTSUP, EOPNOTSUPP);
SAME(PAGESIZE, 4096);
SAME((uint64_t)0x123456789abcULL & PAGEMASK, 0x123456789000ULL);
SAME(P2ALIGN(0x123456789abcULL, 4096U), 0x123456789000ULL);
SAME(P2ROUNDUP(0x123456789001LL, 4096U), 0x12345678a000LL);
SAME(P2PHASE(0x1abc, 0x1000), 0xabc);

_Static_assert(__builtin_types_compatible_p(devmap_cookie_t, void *), "devmap_cookie_t");
_Static_assert(__builtin_types_compatible_p(ddi_umem_cookie_t, void *), "ddi_umem_cookie_t");
_Static_assert(__builtin_types_compatible_p(ddi_as_handle_t, struct as *), "ddi_as_handle_t");
_Static_assert(sizeof(offset_t) == 8 && (offset_t)-1 < 0, "offset_t");
_Static_assert(sizeof(hrtime_t) == 8 && (hrtime_t)-1 < 0, "hrtime_t");

/* All members of cb_ops and dev_ops are as wide as a pointer, but for pairs of int. */
_Static_assert(offsetof(struct cb_ops, cb_flag) == 14 * sizeof(void *), "cb_ops");
_Static_assert(sizeof(struct cb_ops) == 16 * sizeof(void *) + 2 * sizeof(int), "cb_ops");
_Static_assert(sizeof(struct dev_ops) == 10 * sizeof(void *) + 2 * sizeof(int), "dev_ops");

/*
 * What a driver writes: by position, stopping early, with the functions that stand for "none". In a
 * function that is never emitted, since no engine is linked in.
 */
static inline __attribute__((unused)) void as_a_driver_has_them(void)
{
	static struct cb_ops cb = { nulldev,
				    nulldev,
				    nodev,
				    nodev,
				    nodev,
				    nodev,
				    nodev,
				    nodev,
				    nodev,
				    nodev,
				    ddi_devmap_segmap,
				    nochpoll,
				    ddi_prop_op,
				    NULL,
				    D_NEW | D_MP | D_64BIT | D_DEVMAP,
				    CB_REV,
				    nodev,
				    nodev };

	static struct dev_ops ops = { DEVO_REV, 0,	 ddi_no_info, nulldev,
				      nulldev,	nulldev, nulldev,     nodev,
				      &cb,	NULL,	 nulldev,     ddi_quiesce_not_needed };

	static struct devmap_callback_ctl ctl = { DEVMAP_OPS_REV, NULL, devmap_default_access, NULL,
						  NULL };

	static struct modldrv drv = { &mod_driverops, "headers", &ops };
	static struct modlinkage link_ = { MODREV_1, { &drv, NULL } };

	(void)&ctl;
	(void)&link_;
}

int main(void)
{
	printf("1..1\nok 1 - headers\n");
	return 0;
}
