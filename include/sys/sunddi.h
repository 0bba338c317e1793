/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/sunddi.h: the functions of the DDI that a driver calls. Intro(9F); the manual page of a
 * function has its name unless a comment names another.
 *
 * Where nothing else is said, an int is DDI_SUCCESS or DDI_FAILURE, lengths and offsets are bytes.
 */
#ifndef DEVMAP_SYS_SUNDDI_H
#define DEVMAP_SYS_SUNDDI_H

#include <sys/types.h>
#include <sys/isa_defs.h>
#include <sys/atomic.h>
#include <sys/avl.h>
#include <sys/buf.h>
#include <sys/byteorder.h>
#include <sys/errno.h>
#include <sys/id_space.h>
#include <sys/ioccom.h>
#include <sys/ksynch.h>
#include <sys/kmem.h>
#include <sys/list.h>
#include <sys/open.h>
#include <sys/param.h>
#include <sys/poll.h>
#include <sys/uio.h>
#include <sys/varargs.h>
#include <sys/cmn_err.h>
#include <sys/cred.h>
#include <sys/debug.h>
#include <sys/ddifm.h>
#include <sys/dditypes.h>
#include <sys/ddidevmap.h>
#include <sys/ddidmareq.h>
#include <sys/ddi_impldefs.h>
#include <sys/ddi_implfuncs.h>
#include <sys/ddi_isa.h>
#include <sys/ddi_obsolete.h>
#include <sys/devops.h>
#include <sys/note.h>
#include <sys/stat.h>
#include <sys/stream.h>
#include <sys/sunpm.h>
#include <sys/systm.h>
#include <sys/taskq.h>
#include <sys/thread.h>
#include <sys/time.h>
#include <sys/mman.h>
#include <sys/model.h>

struct buf;
struct pollhead;

#define DDI_SUCCESS	    0
#define DDI_FAILURE	    (-1)
#define DDI_NOT_WELL_FORMED (-2)
#define DDI_EAGAIN	    (-3)
#define DDI_EINVAL	    (-4)
#define DDI_ENOTSUP	    (-5)
#define DDI_EPENDING	    (-6)
#define DDI_EALREADY	    (-7)
#define DDI_ENOMEM	    1
#define DDI_EBUSY	    2
#define DDI_ETRANSPORT	    3
#define DDI_ECONTEXT	    4

#define DDI_SLEEP	    0
#define DDI_NOSLEEP	    1

/*
 * A driver's state, one item per instance or minor: ddi_soft_state(9F). An item is zero filled.
 *
 * init returns 0 or EINVAL; n_items is a guess. zalloc: DDI_FAILURE when the item exists already or
 * is negative. get: NULL when there is none.
 */
int ddi_soft_state_init(void **state_p, size_t size, size_t n_items);
int ddi_soft_state_zalloc(void *state, int item);
void *ddi_get_soft_state(void *state, int item);
void ddi_soft_state_free(void *state, int item);
void ddi_soft_state_fini(void **state_p);

/*
 * Minor nodes: names under which programs open the device. spec_type is S_IFCHR; flag 0. name NULL
 * removes them all.
 */
int ddi_create_minor_node(dev_info_t *dip, const char *name, int spec_type, minor_t minor_num,
			  const char *node_type, int flag);
/*
 * The same with flag PRIVONLY_DEV: priv_mode is the node's mode as long as the operator says nothing
 * else. Privileges, by name, do not exist here: read_priv and write_priv are ignored.
 */
int ddi_create_priv_minor_node(dev_info_t *dip, const char *name, int spec_type, minor_t minor_num,
			       const char *node_type, int flag, const char *read_priv,
			       const char *write_priv, mode_t priv_mode);
void ddi_remove_minor_node(dev_info_t *dip, const char *name);

/* Drivers write NULL for flag where they mean 0. */
#ifdef _KERNEL
#define ddi_create_minor_node(dip, name, spec_type, minor_num, node_type, flag) \
	(ddi_create_minor_node)(dip, name, spec_type, minor_num, node_type, (int)(intptr_t)(flag))
#endif

#define PRIVONLY_DEV   0x10

#define DDI_PSEUDO     "ddi_pseudo"
#define DDI_NT_DISPLAY "ddi_display"

/* The instance itself: ddi_get_instance(9F), ddi_get_name(9F), ddi_get_driver_private(9F) ... */
int ddi_get_instance(dev_info_t *dip);
const char *ddi_driver_name(dev_info_t *dip);
char *ddi_get_name(dev_info_t *dip); /* its binding name */
/*
 * There is no tree here: the parent of every instance is the root, whose parent is NULL. The root has
 * no properties and no registers; its name is "rootnex".
 */
dev_info_t *ddi_get_parent(dev_info_t *dip);
dev_info_t *ddi_root_node(void);
void *ddi_get_driver_private(dev_info_t *dip);
void ddi_set_driver_private(dev_info_t *dip, void *data);
void ddi_report_dev(dev_info_t *dip); /* says that it is there */

/* For slots of dev_ops(9S) and cb_ops(9S), beside nodev(9F) and nulldev(9F). */
int ddi_no_info(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp);
int ddi_quiesce_not_needed(dev_info_t *dip);
int ddi_quiesce_not_supported(dev_info_t *dip);
int nochpoll(dev_t dev, short events, int anyyet, short *reventsp, struct pollhead **phpp);

/* Properties: ddi_prop_lookup(9F), ddi_prop_update(9F), ddi_prop_op(9F), ddi_getprop(9F). */

#define DDI_DEV_T_NONE ((dev_t)-1) /* of the instance, not of one of its minors */
#define DDI_DEV_T_ANY  ((dev_t)-2) /* whichever */

/* flags: without effect, since there are no parents and no PROM to ask */
#define DDI_PROP_DONTPASS	0x0001
#define DDI_PROP_CANSLEEP	0x0002
#define DDI_PROP_SYSTEM_DEF	0x0004
#define DDI_PROP_NOTPROM	0x0008
#define DDI_PROP_DONTSLEEP	0x0010
#define DDI_PROP_STACK_CREATE	0x0020
#define DDI_PROP_UNDEF_IT	0x0040
#define DDI_PROP_HW_DEF		0x0080
#define DDI_PROP_TYPE_INT	0x0100
#define DDI_PROP_TYPE_STRING	0x0200
#define DDI_PROP_TYPE_BYTE	0x0400
#define DDI_PROP_TYPE_COMPOSITE 0x0800
#define DDI_PROP_TYPE_INT64	0x1000
#define DDI_PROP_TYPE_ANY	0x0f00
#define DDI_PROP_TYPE_MASK	0x1f00

/* what the property functions return, where it is not the value itself */
#define DDI_PROP_SUCCESS       0
#define DDI_PROP_NOT_FOUND     1
#define DDI_PROP_UNDEFINED     2
#define DDI_PROP_NO_MEMORY     3
#define DDI_PROP_INVAL_ARG     4
#define DDI_PROP_BUF_TOO_SMALL 5
#define DDI_PROP_CANNOT_DECODE 6
#define DDI_PROP_CANNOT_ENCODE 7
#define DDI_PROP_END_OF_DATA   8

/*
 * get_int and get_int64 return the value, defvalue where there is none, DDI_PROP_NOT_FOUND where there is one
 * that is not an integer; exists 1 or 0. The lookups
 * return one of the codes above, and data to be freed with ddi_prop_free(); string_array ends with a
 * NULL that does not count. match_dev: DDI_DEV_T_ANY, or a device whose own properties count too.
 */
int ddi_prop_get_int(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
		     int defvalue);
int64_t ddi_prop_get_int64(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
			   int64_t defvalue);
int ddi_prop_exists(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name);
int ddi_prop_lookup_string(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
			   char **datap);
int ddi_prop_lookup_string_array(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
				 char ***datap, uint_t *nelementsp);
int ddi_prop_lookup_int_array(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
			      int **datap, uint_t *nelementsp);
int ddi_prop_lookup_int64_array(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
				int64_t **datap, uint_t *nelementsp);
int ddi_prop_lookup_byte_array(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
			       uchar_t **datap, uint_t *nelementsp);
void ddi_prop_free(void *data);

/*
 * A driver's own: update makes one, or takes the place of what it made under this name; create hides
 * what was there, and modify wants one to be there (DDI_PROP_NOT_FOUND). Length 0: it has no value.
 * undefine: look-ups find DDI_PROP_UNDEFINED. remove takes the last one back, remove_all all of them.
 */
int ddi_prop_update_int(dev_t match_dev, dev_info_t *dip, const char *name, int data);
int ddi_prop_update_int64(dev_t match_dev, dev_info_t *dip, const char *name, int64_t data);
int ddi_prop_update_string(dev_t match_dev, dev_info_t *dip, const char *name, const char *data);
int ddi_prop_update_int_array(dev_t match_dev, dev_info_t *dip, const char *name, int *data,
			      uint_t nelements);
int ddi_prop_update_int64_array(dev_t match_dev, dev_info_t *dip, const char *name, int64_t *data,
				uint_t nelements);
int ddi_prop_update_string_array(dev_t match_dev, dev_info_t *dip, const char *name, char **data,
				 uint_t nelements);
int ddi_prop_update_byte_array(dev_t match_dev, dev_info_t *dip, const char *name, uchar_t *data,
			       uint_t nelements);
int ddi_prop_create(dev_t dev, dev_info_t *dip, int flag, const char *name, caddr_t value,
		    int length);
int ddi_prop_modify(dev_t dev, dev_info_t *dip, int flag, const char *name, caddr_t value,
		    int length);
int ddi_prop_undefine(dev_t dev, dev_info_t *dip, int flag, const char *name);
int ddi_prop_remove(dev_t dev, dev_info_t *dip, const char *name);
void ddi_prop_remove_all(dev_info_t *dip);

/*
 * The older ones. ddi_prop_op(), which nopropop() is too, and ddi_getlongprop() as its
 * PROP_LEN_AND_VAL_ALLOC, store the length; with _ALLOC *(caddr_t *)valuep is to be freed with
 * kmem_free(9F). ddi_getprop() of one without a value is 1.
 */
int ddi_getprop(dev_t dev, dev_info_t *dip, int flags, const char *name, int defvalue);
int ddi_getproplen(dev_t dev, dev_info_t *dip, int flags, const char *name, int *lengthp);
int ddi_getlongprop(dev_t dev, dev_info_t *dip, int flags, const char *name, caddr_t valuep,
		    int *lengthp);
int ddi_getlongprop_buf(dev_t dev, dev_info_t *dip, int flags, const char *name, caddr_t buf,
			int *lengthp);
int ddi_prop_op(dev_t dev, dev_info_t *dip, ddi_prop_op_t prop_op, int flags, char *name,
		caddr_t valuep, int *lengthp);
int nopropop(dev_t dev, dev_info_t *dip, ddi_prop_op_t prop_op, int flags, char *name,
	     caddr_t valuep, int *lengthp);

/*
 * ddi_peek8(9F), ddi_poke8(9F) and their relatives: one access to a register that may not be there.
 * Where one of the instance's register sets lies, it is; a read of a PCI function that is absent gives
 * all ones. valuep may be NULL. DDI_SUCCESS, or DDI_FAILURE: nothing answers, and *valuep is as it was.
 */
int ddi_peek8(dev_info_t *dip, int8_t *addr, int8_t *valuep);
int ddi_peek16(dev_info_t *dip, int16_t *addr, int16_t *valuep);
int ddi_peek32(dev_info_t *dip, int32_t *addr, int32_t *valuep);
int ddi_peek64(dev_info_t *dip, int64_t *addr, int64_t *valuep);
int ddi_poke8(dev_info_t *dip, int8_t *addr, int8_t value);
int ddi_poke16(dev_info_t *dip, int16_t *addr, int16_t value);
int ddi_poke32(dev_info_t *dip, int32_t *addr, int32_t value);
int ddi_poke64(dev_info_t *dip, int64_t *addr, int64_t value);
int ddi_peekc(dev_info_t *dip, int8_t *addr, int8_t *valuep);
int ddi_peeks(dev_info_t *dip, int16_t *addr, int16_t *valuep);
int ddi_peekl(dev_info_t *dip, int32_t *addr, int32_t *valuep);
int ddi_peekd(dev_info_t *dip, int64_t *addr, int64_t *valuep);
int ddi_pokec(dev_info_t *dip, int8_t *addr, int8_t value);
int ddi_pokes(dev_info_t *dip, int16_t *addr, int16_t value);
int ddi_pokel(dev_info_t *dip, int32_t *addr, int32_t value);
int ddi_poked(dev_info_t *dip, int64_t *addr, int64_t value);
/*
 * Moves len bytes between registers at addr and a uio(9S), xfersize (1, 2, 4, 8) at a time, until that has
 * no room. DDI_SUCCESS, or DDI_FAILURE.
 */
int ddi_peekpokeio(dev_info_t *dip, struct uio *uio, enum uio_rw rw, caddr_t addr, size_t len,
		   uint_t xfersize);

/*
 * Interrupts, as older drivers have them; the newer functions are in sys/ddi_intr.h, and say more. All
 * are fixed ones. Cookies may be asked for with NULL. ddi_get_iblock_cookie() and ddi_add_intr(),
 * which enables the interrupt at once, return DDI_SUCCESS; DDI_INTR_NOTFOUND: there is no such
 * number; DDI_FAILURE: it is in use, or the system gives none.
 */
int ddi_dev_nintrs(dev_info_t *dip, int *resultp);
int ddi_get_iblock_cookie(dev_info_t *dip, uint_t inumber, ddi_iblock_cookie_t *iblock_cookiep);
int ddi_intr_hilevel(dev_info_t *dip, uint_t inumber); /* 0: handlers may wait */
int ddi_add_intr(dev_info_t *dip, uint_t inumber, ddi_iblock_cookie_t *iblock_cookiep,
		 ddi_idevice_cookie_t *idevice_cookiep, uint_t (*int_handler)(caddr_t arg),
		 caddr_t int_handler_arg);
void ddi_remove_intr(dev_info_t *dip, uint_t inumber, ddi_iblock_cookie_t iblock_cookie);

/* preference of soft interrupts: no effect */
#define DDI_SOFTINT_FIXED 0
#define DDI_SOFTINT_LOW	  8
#define DDI_SOFTINT_MED	  128
#define DDI_SOFTINT_HIGH  256

int ddi_get_soft_iblock_cookie(dev_info_t *dip, int preference,
			       ddi_iblock_cookie_t *iblock_cookiep);
int ddi_add_softintr(dev_info_t *dip, int preference, ddi_softintr_t *idp,
		     ddi_iblock_cookie_t *iblock_cookiep, ddi_idevice_cookie_t *idevice_cookiep,
		     uint_t (*int_handler)(caddr_t arg), caddr_t int_handler_arg);
void ddi_remove_softintr(ddi_softintr_t id);
void ddi_trigger_softintr(ddi_softintr_t id);

/*
 * Register sets: rnumber counts from 0. len 0 in ddi_regs_map_setup() and ddi_map_regs(): to the
 * end of the set. The older ddi_map_regs() gives no handle: *kaddrp is dereferenced.
 */
int ddi_dev_nregs(dev_info_t *dip, int *resultp);
int ddi_dev_regsize(dev_info_t *dip, uint_t rnumber, off_t *resultp);
int ddi_regs_map_setup(dev_info_t *dip, uint_t rnumber, caddr_t *addrp, offset_t offset,
		       offset_t len, ddi_device_acc_attr_t *accattrp, ddi_acc_handle_t *handle);
void ddi_regs_map_free(ddi_acc_handle_t *handle);
int ddi_map_regs(dev_info_t *dip, uint_t rnumber, caddr_t *kaddrp, off_t offset, off_t len);
void ddi_unmap_regs(dev_info_t *dip, uint_t rnumber, caddr_t *kaddrp, off_t offset, off_t len);

/*
 * Registers: ddi_get8(9F), ddi_put8(9F), ddi_rep_get8(9F), ddi_rep_put8(9F). dev_addr is inside
 * what ddi_regs_map_setup() gave with handle. Values are in the byte order of the CPU; the handle's
 * attributes say what the device's is.
 *
 * ddi_rep_*: repcount values between host_addr, which advances, and dev_addr, which advances with
 * DDI_DEV_AUTOINCR only.
 */
#define DDI_DEV_NO_AUTOINCR 0x0000
#define DDI_DEV_AUTOINCR    0x0001

uint8_t ddi_get8(ddi_acc_handle_t handle, uint8_t *dev_addr);
uint16_t ddi_get16(ddi_acc_handle_t handle, uint16_t *dev_addr);
uint32_t ddi_get32(ddi_acc_handle_t handle, uint32_t *dev_addr);
uint64_t ddi_get64(ddi_acc_handle_t handle, uint64_t *dev_addr);

void ddi_put8(ddi_acc_handle_t handle, uint8_t *dev_addr, uint8_t value);
void ddi_put16(ddi_acc_handle_t handle, uint16_t *dev_addr, uint16_t value);
void ddi_put32(ddi_acc_handle_t handle, uint32_t *dev_addr, uint32_t value);
void ddi_put64(ddi_acc_handle_t handle, uint64_t *dev_addr, uint64_t value);

void ddi_rep_get8(ddi_acc_handle_t handle, uint8_t *host_addr, uint8_t *dev_addr, size_t repcount,
		  uint_t flags);
void ddi_rep_get16(ddi_acc_handle_t handle, uint16_t *host_addr, uint16_t *dev_addr,
		   size_t repcount, uint_t flags);
void ddi_rep_get32(ddi_acc_handle_t handle, uint32_t *host_addr, uint32_t *dev_addr,
		   size_t repcount, uint_t flags);
void ddi_rep_get64(ddi_acc_handle_t handle, uint64_t *host_addr, uint64_t *dev_addr,
		   size_t repcount, uint_t flags);

void ddi_rep_put8(ddi_acc_handle_t handle, uint8_t *host_addr, uint8_t *dev_addr, size_t repcount,
		  uint_t flags);
void ddi_rep_put16(ddi_acc_handle_t handle, uint16_t *host_addr, uint16_t *dev_addr,
		   size_t repcount, uint_t flags);
void ddi_rep_put32(ddi_acc_handle_t handle, uint32_t *host_addr, uint32_t *dev_addr,
		   size_t repcount, uint_t flags);
void ddi_rep_put64(ddi_acc_handle_t handle, uint64_t *host_addr, uint64_t *dev_addr,
		   size_t repcount, uint_t flags);

/*
 * The process that is being served. ddi_copyin(9F), ddi_copyout(9F): flags is the mode of
 * ioctl(9E); with FKIOCTL both buffers are the driver's own. 0, or -1: return EFAULT.
 */
int ddi_copyin(const void *buf, void *driverbuf, size_t cn, int flags);
int ddi_copyout(const void *driverbuf, void *buf, size_t cn, int flags);
pid_t ddi_get_pid(void);
kt_did_t ddi_get_kt_did(void); /* the thread */

/*
 * Numbers in text, as strtol(3C): blanks, a sign, and with base 16 or 0 a 0x go before the digits;
 * base 0 is 16, 8 or 10 as the text begins. endp, which may be NULL, is where the number ends.
 *
 * Return 0; EINVAL: bad base, or no number; ERANGE: it does not fit. *result is set only with 0.
 */
int ddi_strtol(const char *str, char **endp, int base, long *result);
int ddi_strtoul(const char *str, char **endp, int base, unsigned long *result);
int ddi_strtoll(const char *str, char **endp, int base, longlong_t *result);
int ddi_strtoull(const char *str, char **endp, int base, u_longlong_t *result);

/*
 * Queues of tasks, which threads of the engine run, nthreads at most: with one thread in the order of
 * dispatch. dip may be NULL; cflags is 0. dflags: DDI_SLEEP, or DDI_NOSLEEP, with which memory may be
 * lacking. destroy waits until all tasks have run, as wait does; suspend until those that run have
 * ended, and no other begins until resume.
 */
typedef struct taskq ddi_taskq_t;

#define TASKQ_DEFAULTPRI (-1)

ddi_taskq_t *ddi_taskq_create(dev_info_t *dip, const char *name, int nthreads, pri_t pri,
			      uint_t cflags);
void ddi_taskq_destroy(ddi_taskq_t *tq);
int ddi_taskq_dispatch(ddi_taskq_t *tq, void (*func)(void *arg), void *arg, uint_t dflags);
void ddi_taskq_wait(ddi_taskq_t *tq);
void ddi_taskq_suspend(ddi_taskq_t *tq);
boolean_t ddi_taskq_suspended(ddi_taskq_t *tq);
void ddi_taskq_resume(ddi_taskq_t *tq);

/* Pages and ticks. ddi_get_lbolt(): ticks since some moment in the past. */
unsigned long ddi_ptob(dev_info_t *dip, unsigned long pages);
unsigned long ddi_btop(dev_info_t *dip, unsigned long bytes);
unsigned long ddi_btopr(dev_info_t *dip, unsigned long bytes);
clock_t ddi_get_lbolt(void);
int64_t ddi_get_lbolt64(void);

/*
 * Memory that can be mapped: ddi_umem_alloc(9F). Whole pages, zero filled; flag DDI_UMEM_*. NULL:
 * size 0; no memory, and *cookiep is NULL too; or DDI_UMEM_TRASH, with a valid cookie, behind which
 * each process finds pages of its own. With DDI_UMEM_SLEEP it waits for memory, but not for ever,
 * and not for more than the machine has.
 */
void *ddi_umem_alloc(size_t size, int flag, ddi_umem_cookie_t *cookiep);
void ddi_umem_free(ddi_umem_cookie_t cookie);

/*
 * ddi_umem_lock(9F): keeps pages of the process in memory, for the driver's use. flags
 * DDI_UMEMLOCK_*. Returns 0, EFAULT, EACCES, ENOMEM, EAGAIN or EINVAL.
 */
int ddi_umem_lock(caddr_t addr, size_t len, int flags, ddi_umem_cookie_t *cookiep);
void ddi_umem_unlock(ddi_umem_cookie_t cookie);
struct buf *ddi_umem_iosetup(ddi_umem_cookie_t cookie, off_t off, size_t len, int direction,
			     dev_t dev, daddr_t blkno, int (*iodone)(struct buf *bp),
			     int sleepflag);

/*
 * DMA: ddi_dma_alloc_handle(9F), ddi_dma_mem_alloc(9F), ddi_dma_addr_bind_handle(9F),
 * ddi_dma_sync(9F). Memory that ddi_dma_mem_alloc() gave for a handle can be bound to it, whole or
 * from its beginning, and comes as one cookie; other memory cannot be bound (DDI_DMA_NOMAPPING). It
 * is consistent, so that sync only orders. waitfp: DDI_DMA_SLEEP or DDI_DMA_DONTWAIT; as is NULL.
 *
 * alloc_handle returns DDI_SUCCESS, DDI_DMA_BADATTR (no such memory; in the user engine, which has
 * no bus, always) or DDI_DMA_NORESOURCES; bind DDI_DMA_MAPPED or one of the errors.
 */
int ddi_dma_alloc_handle(dev_info_t *dip, ddi_dma_attr_t *attr, int (*waitfp)(caddr_t), caddr_t arg,
			 ddi_dma_handle_t *handlep);
void ddi_dma_free_handle(ddi_dma_handle_t *handlep);
int ddi_dma_mem_alloc(ddi_dma_handle_t handle, size_t length, ddi_device_acc_attr_t *accattrp,
		      uint_t flags, int (*waitfp)(caddr_t), caddr_t arg, caddr_t *kaddrp,
		      size_t *real_length, ddi_acc_handle_t *acc_handlep);
void ddi_dma_mem_free(ddi_acc_handle_t *acc_handlep);
int ddi_dma_addr_bind_handle(ddi_dma_handle_t handle, struct as *as, caddr_t addr, size_t len,
			     uint_t flags, int (*waitfp)(caddr_t), caddr_t arg,
			     ddi_dma_cookie_t *cookiep, uint_t *ccountp);
int ddi_dma_unbind_handle(ddi_dma_handle_t handle);
int ddi_dma_sync(ddi_dma_handle_t handle, off_t offset, size_t length, uint_t type);

/*
 * To be called from segmap(9E); what they return is to be returned. prot, maxprot: PROT_*; flags:
 * MAP_*. Returns 0 or an errno. ddi_devmap_segmap() may be the segmap(9E) itself.
 */
int devmap_setup(dev_t dev, offset_t off, ddi_as_handle_t as, caddr_t *addrp, size_t len,
		 uint_t prot, uint_t maxprot, uint_t flags, cred_t *cred);
int ddi_devmap_segmap(dev_t dev, off_t off, ddi_as_handle_t as, caddr_t *addrp, off_t len,
		      uint_t prot, uint_t maxprot, uint_t flags, cred_t *cred);

/*
 * To be called from devmap(9E): what stands behind the handle: len bytes from roff of a register
 * set, or from koff of a cookie; page aligned. callbackops may be NULL: never intercepted. flags:
 * DEVMAP_*, IOMEM_DATA_*. DDI_FAILURE: set up already; maxprot or the range does not fit; flags.
 */
int devmap_devmem_setup(devmap_cookie_t dhp, dev_info_t *dip,
			struct devmap_callback_ctl *callbackops, uint_t rnumber, offset_t roff,
			size_t len, uint_t maxprot, uint_t flags, ddi_device_acc_attr_t *accattrp);
int devmap_umem_setup(devmap_cookie_t dhp, dev_info_t *dip, struct devmap_callback_ctl *callbackops,
		      ddi_umem_cookie_t cookie, offset_t koff, size_t len, uint_t maxprot,
		      uint_t flags, ddi_device_acc_attr_t *accattrp);

/*
 * Unload a handle set up with DEVMAP_ALLOW_REMAP, and change what stands behind it; from any
 * thread. They have no manual page. flags: 0, or for devmem DEVMAP_MAPPING_INVALID: accesses fail
 * from now on. DDI_FAILURE: as above, or remapping was not allowed; nothing has changed then.
 */
int devmap_devmem_remap(devmap_cookie_t dhp, dev_info_t *dip, uint_t rnumber, offset_t roff,
			size_t len, uint_t maxprot, uint_t flags, ddi_device_acc_attr_t *accattrp);
int devmap_umem_remap(devmap_cookie_t dhp, dev_info_t *dip, ddi_umem_cookie_t cookie, offset_t off,
		      size_t len, uint_t maxprot, uint_t flags, ddi_device_acc_attr_t *accattrp);

/*
 * devmap_load(9F), devmap_unload(9F): make the pages from that with off to that with off + len - 1
 * valid, or invalid; len 0: to the end of the handle. Load only on behalf of the process that is
 * being served; unload from anywhere. Return 0, or an errno.
 */
int devmap_load(devmap_cookie_t dhp, offset_t off, size_t len, uint_t type, uint_t rw);
int devmap_unload(devmap_cookie_t dhp, offset_t off, size_t len);

/* A devmap_access(9E) that only loads; to be called from one, or to be one. As devmap_load(). */
int devmap_default_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			  uint_t rw);

/*
 * devmap_do_ctxmgt(9F), to be called from devmap_access(9E): waits for the process's turn, calls
 * the driver's devmap_contextmgt(9E), returns what it returned (NULL, or the turn did not come:
 * non-zero).
 */
int devmap_do_ctxmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		     uint_t rw,
		     int (*devmap_contextmgt)(devmap_cookie_t dhp, void *pvtp, offset_t off,
					      size_t len, uint_t type, uint_t rw));

/* How many ticks the owner keeps the device, once granted; 0 or less: no hold. From anywhere. */
void devmap_set_ctx_timeout(devmap_cookie_t dhp, clock_t ticks);

#endif /* DEVMAP_SYS_SUNDDI_H */
