/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Names, values and prototypes of the DDI, as Solaris documents them. That it compiles, in each
 * engine and in each dialect of C, is the test.
 */
#define DEVMAP_MODULE_PART
#include <sys/conf.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>
#include <sys/fbio.h>
#include <sys/pci.h>
#include <sys/visual_io.h>
#include <sys/policy.h>
#include <sys/map.h>
#include <sys/autoconf.h>
#include <sys/esunddi.h>
#include <sys/vmsystm.h>
#include <vm/seg_dev.h>
#include <vm/seg_kmem.h>

#define IS(name, value)	 _Static_assert((long long)(name) == (long long)(value), #name)
#define SIZE(type, size) _Static_assert(sizeof(type) == (size), "size of " #type)
/* Its type, as far as calls and assignments see it: that of a pointer to it. */
#define PROTO(type, name, args) \
	_Static_assert(__builtin_types_compatible_p(__typeof__(&name), type(*) args), #name)

/* sys/isa_defs.h */
#if defined(_LITTLE_ENDIAN) == defined(_BIG_ENDIAN) || defined(_LP64) == defined(_ILP32)
#error one of two
#endif
IS(_LONG_LONG_ALIGNMENT, 8);

/* sys/atomic.h */
PROTO(void, atomic_add_8, (volatile uint8_t *, int8_t));
PROTO(void, atomic_add_char, (volatile uchar_t *, signed char));
PROTO(void, atomic_add_32, (volatile uint32_t *, int32_t));
PROTO(uint_t, atomic_add_int_nv, (volatile uint_t *, int));
PROTO(ulong_t, atomic_add_long_nv, (volatile ulong_t *, long));
PROTO(void, atomic_add_ptr, (volatile void *, ssize_t));
PROTO(void *, atomic_add_ptr_nv, (volatile void *, ssize_t));
PROTO(void, atomic_or_ushort, (volatile ushort_t *, ushort_t));
PROTO(uint64_t, atomic_and_64_nv, (volatile uint64_t *, uint64_t));
PROTO(uchar_t, atomic_cas_uchar, (volatile uchar_t *, uchar_t, uchar_t));
PROTO(void *, atomic_cas_ptr, (volatile void *, void *, void *));
PROTO(uint16_t, atomic_swap_16, (volatile uint16_t *, uint16_t));
PROTO(int, atomic_set_long_excl, (volatile ulong_t *, uint_t));
PROTO(void, membar_producer, (void));

/* sys/byteorder.h: constants, too */
IS(BSWAP_32(0x11223344), 0x44332211);
IS(BMASK_16(0x12345), 0x2345);
IS(BE_16(LE_16(0x1122)), BSWAP_16(0x1122));

/* sys/ioccom.h: as Linux has them, unless DEVMAP_SOLARIS_IOCTLS is defined */
struct ten {
	char bytes[10];
};
struct many {
	char bytes[300];
};
IS(_IO('v', 3), ('v' << 8) | 3);
IS(_IOW('v', 3, struct ten), (IOC_IN & 0xffffffff) | 10 << 16 | ('v' << 8) | 3);
IS(_IOR('v', 3, struct many), (IOC_OUT & 0xffffffff) | 300 << 16 | ('v' << 8) | 3);
IS(_IOWR('v', 3, struct ten), (IOC_INOUT & 0xffffffff) | 10 << 16 | ('v' << 8) | 3);
IS(_IOWRN('v', 3, 10), _IOWR('v', 3, struct ten));
IS(_IORN('v', 3, 10), _IOR('v', 3, struct ten));
IS(_IOWN('v', 3, 10), _IOW('v', 3, struct ten));

/* sys/list.h, sys/avl.h, sys/kmem.h, sys/vmem.h, sys/id_space.h */
SIZE(list_node_t, 16);
SIZE(list_t, 32);
SIZE(avl_node_t, 24);
SIZE(avl_tree_t, 40);
SIZE(avl_index_t, sizeof(uintptr_t));
IS(__builtin_offsetof(list_t, list_head), 16);
IS(__builtin_offsetof(avl_tree_t, avl_numnodes), 24);
IS(AVL_BEFORE, 0);
IS(AVL_AFTER, 1);
PROTO(void, list_create, (list_t *, size_t, size_t));
PROTO(void, list_move_tail, (list_t *, list_t *));
PROTO(int, list_link_active, (list_node_t *));
PROTO(void, avl_create, (avl_tree_t *, int (*)(const void *, const void *), size_t, size_t));
PROTO(void *, avl_find, (avl_tree_t *, const void *, avl_index_t *));
PROTO(boolean_t, avl_update_lt, (avl_tree_t *, void *));
PROTO(ulong_t, avl_numnodes, (avl_tree_t *));
PROTO(void *, avl_destroy_nodes, (avl_tree_t *, void **));
IS(KM_SLEEP, 0);
IS(KM_NOSLEEP, 1);
IS(KM_PANIC, 2);
IS(KM_PUSHPAGE, 4);
IS(KM_NORMALPRI, 8);
IS(KM_VMFLAGS, 0xff);
IS(KMEM_CBRC_YES, 0);
IS(KMEM_CBRC_DONT_KNOW, 4);
PROTO(void *, kmem_cache_alloc, (kmem_cache_t *, int));
PROTO(void, kmem_cache_free, (kmem_cache_t *, void *));
IS(VM_SLEEP, 0);
IS(VM_NOSLEEP, 1);
IS(VM_PANIC, 2);
IS(VM_BESTFIT, 0x100);
IS(VM_FIRSTFIT, 0x200);
IS(VM_NEXTFIT, 0x400);
IS(VMC_IDENTIFIER, 0x40000);
IS(VMEM_ALLOC, 1);
IS(VMEM_FREE, 2);
PROTO(void *, vmem_xalloc, (vmem_t *, size_t, size_t, size_t, size_t, void *, void *, int));
PROTO(vmem_t *, vmem_create,
      (const char *, void *, size_t, size_t, vmem_alloc_t *, vmem_free_t *, vmem_t *, size_t, int));

/* sys/taskq.h, sys/policy.h */
IS(TASKQ_PREPOPULATE, 1);
IS(TASKQ_DYNAMIC, 4);
IS(TASKQ_DC_BATCH, 0x10);
IS(TQ_SLEEP, 0);
IS(TQ_NOSLEEP, 1);
IS(TQ_NOQUEUE, 2);
IS(TQ_NOALLOC, 4);
IS(TQ_FRONT, 8);
IS(TASKQ_NAMELEN, 31);
IS(TASKQ_DEFAULTPRI, -1);
IS(DDI_NOSLEEP, 1);
IS(DDI_EALREADY, -7);
IS(DDI_ECONTEXT, 4);
PROTO(taskq_t *, taskq_create, (const char *, int, pri_t, int, int, uint_t));
PROTO(taskqid_t, taskq_dispatch, (taskq_t *, task_func_t, void *, uint_t));
PROTO(int, taskq_member, (taskq_t *, kthread_t *));
PROTO(ddi_taskq_t *, ddi_taskq_create, (dev_info_t *, const char *, int, pri_t, uint_t));
PROTO(int, ddi_taskq_dispatch, (ddi_taskq_t *, void (*)(void *), void *, uint_t));
PROTO(boolean_t, ddi_taskq_suspended, (ddi_taskq_t *));
PROTO(int, secpolicy_sys_config, (const cred_t *, boolean_t));
PROTO(int, secpolicy_gart_map, (const cred_t *));

/* sys/devops.h, and what it brings */
IS(DDI_PROBE_FAILURE, ENXIO);
IS(DDI_PROBE_DONTCARE, 0);
IS(DDI_PROBE_PARTIAL, 1);
IS(DDI_PROBE_SUCCESS, 2);
IS(DDI_ME_INVAL, -7);
IS(DDI_REGS_ACC_CONFLICT, -10);

/* sys/pm.h, which sys/sunddi.h brings */
IS(PM_LEVEL_UNKNOWN, -1);
IS(PM_LEVEL_D0, 3);
IS(PM_LEVEL_D3, 0);
PROTO(int, pm_raise_power, (dev_info_t *, int, int));
PROTO(int, pm_get_current_power, (dev_info_t *, int, int *));
PROTO(void, pm_destroy_components, (dev_info_t *));
PROTO(int, ddi_peek32, (dev_info_t *, int32_t *, int32_t *));
PROTO(int, ddi_poked, (dev_info_t *, int64_t *, int64_t));
PROTO(int, ddi_peekpokeio, (dev_info_t *, struct uio *, enum uio_rw, caddr_t, size_t, uint_t));
IS(ADDR_VACALIGN, 1);
IS(RANGE_BADPROT, 2);

/* sys/ddi_intr.h, which sys/devops.h brings, and the older functions */
IS(DDI_INTR_CLAIMED, 1);
IS(DDI_INTR_UNCLAIMED, 0);
IS(DDI_INTR_NOTFOUND, 1);
IS(DDI_INTR_TYPE_FIXED, 1);
IS(DDI_INTR_TYPE_MSI, 2);
IS(DDI_INTR_TYPE_MSIX, 4);
IS(DDI_INTR_PRI_MIN, 1);
IS(DDI_INTR_PRI_MAX, 12);
IS(DDI_INTR_SOFTPRI_MAX, 9);
IS(DDI_INTR_SOFTPRI_DEFAULT, 1);
IS(DDI_INTR_FLAG_LEVEL, 1);
IS(DDI_INTR_FLAG_EDGE, 2);
IS(DDI_INTR_FLAG_MASKABLE, 0x10);
IS(DDI_INTR_FLAG_PENDING, 0x20);
IS(DDI_INTR_FLAG_BLOCK, 0x100);
IS(DDI_INTR_FLAG_MSI64, 0x200);
IS(DDI_INTR_ALLOC_STRICT, 1);
IS(DDI_SOFTINT_FIXED, 0);
IS(DDI_SOFTINT_LOW, 8);
IS(DDI_SOFTINT_MED, 128);
IS(DDI_SOFTINT_HIGH, 256);
SIZE(ddi_idevice_cookie_t, 4);
PROTO(int, ddi_intr_alloc, (dev_info_t *, ddi_intr_handle_t *, int, int, int, int *, int));
PROTO(int, ddi_intr_add_handler, (ddi_intr_handle_t, ddi_intr_handler_t, void *, void *));
PROTO(int, ddi_intr_dup_handler, (ddi_intr_handle_t, int, ddi_intr_handle_t *));
PROTO(int, ddi_intr_block_enable, (ddi_intr_handle_t *, int));
PROTO(int, ddi_intr_add_softint,
      (dev_info_t *, ddi_softint_handle_t *, int, ddi_intr_handler_t, void *));
PROTO(int, ddi_intr_trigger_softint, (ddi_softint_handle_t, void *));
PROTO(uint_t, ddi_intr_get_hilevel_pri, (void));
PROTO(int, ddi_add_intr,
      (dev_info_t *, uint_t, ddi_iblock_cookie_t *, ddi_idevice_cookie_t *, uint_t (*)(caddr_t),
       caddr_t));
PROTO(void, ddi_remove_intr, (dev_info_t *, uint_t, ddi_iblock_cookie_t));
PROTO(int, ddi_add_softintr,
      (dev_info_t *, int, ddi_softintr_t *, ddi_iblock_cookie_t *, ddi_idevice_cookie_t *,
       uint_t (*)(caddr_t), caddr_t));

/* sys/kstat.h, which sys/buf.h brings */
SIZE(kstat_t, 184);
IS(__builtin_offsetof(kstat_t, ks_data), 120);
IS(__builtin_offsetof(kstat_t, ks_update), 152);
IS(__builtin_offsetof(kstat_t, ks_private), 160);
IS(__builtin_offsetof(kstat_t, ks_lock), 176);
SIZE(kstat_named_t, 48);
IS(__builtin_offsetof(kstat_named_t, value), 32);
SIZE(kstat_io_t, 80);
SIZE(kstat_intr_t, 20);
SIZE(kstat_timer_t, 80);
IS(KSTAT_STRLEN, 31);
IS(KSTAT_TYPE_RAW, 0);
IS(KSTAT_TYPE_NAMED, 1);
IS(KSTAT_TYPE_INTR, 2);
IS(KSTAT_TYPE_IO, 3);
IS(KSTAT_TYPE_TIMER, 4);
IS(KSTAT_FLAG_VIRTUAL, 1);
IS(KSTAT_FLAG_VAR_SIZE, 2);
IS(KSTAT_FLAG_WRITABLE, 4);
IS(KSTAT_FLAG_PERSISTENT, 8);
IS(KSTAT_FLAG_DORMANT, 0x10);
IS(KSTAT_FLAG_INVALID, 0x20);
IS(KSTAT_DATA_CHAR, 0);
IS(KSTAT_DATA_UINT32, 2);
IS(KSTAT_DATA_UINT64, 4);
IS(KSTAT_DATA_ULONGLONG, 4);
IS(KSTAT_DATA_LONG, 7);
IS(KSTAT_DATA_STRING, 9);
IS(KSTAT_INTR_MULTSVC, 4);
PROTO(kstat_t *, kstat_create,
      (const char *, int, const char *, const char *, uchar_t, uint_t, uchar_t));
PROTO(void, kstat_delete_byname, (const char *, int, const char *));
PROTO(void, kstat_named_init, (kstat_named_t *, const char *, uchar_t));
PROTO(void, kstat_waitq_to_runq, (kstat_io_t *));

/* sys/buf.h, sys/uio.h */
IS(B_BUSY, 1);
IS(B_DONE, 2);
IS(B_ERROR, 4);
IS(B_PAGEIO, 0x10);
IS(B_PHYS, 0x20);
IS(B_READ, 0x40);
IS(B_WRITE, 0x100);
IS(B_ASYNC, 0x400);
IS(B_REMAPPED, 0x4000);
IS(B_SHADOW, 0x200000);
IS(B_PAGE_NOWAIT, 0x8000000);
IS(DEV_BSIZE, 512);
IS(__builtin_offsetof(struct buf, b_bcount), 48);
IS(__builtin_offsetof(struct buf, b_blkno), 64);
IS(__builtin_offsetof(struct buf, b_resid), 80);
IS(__builtin_offsetof(struct diskhd, b_bcount), 48);
SIZE(o_dev_t, 2);
SIZE(uio_t, 48);
IS(__builtin_offsetof(uio_t, uio_loffset), 16);
IS(__builtin_offsetof(uio_t, uio_extflg), 30);
IS(__builtin_offsetof(uio_t, uio_resid), 40);
IS(UIO_READ, 0);
IS(UIO_WRITE, 1);
IS(UIO_SYSSPACE, 1);
IS(UIO_USERISPACE, 2);
PROTO(int, uiomove, (void *, size_t, enum uio_rw, uio_t *));
PROTO(int, physio,
      (int (*)(struct buf *), struct buf *, dev_t, int, void (*)(struct buf *), struct uio *));
PROTO(struct buf *, bioclone,
      (struct buf *, off_t, size_t, dev_t, daddr_t, int (*)(struct buf *), struct buf *, int));
PROTO(int, bp_copyin, (struct buf *, void *, offset_t, size_t));
PROTO(int, bp_copyout, (void *, struct buf *, offset_t, size_t));
PROTO(void, disksort, (struct diskhd *, struct buf *));

/* sys/model.h, sys/pci.h */
struct pair {
	char *where;
	long n;
};
struct pair32 {
	caddr32_t where;
	int32_t n;
};
IS(DDI_MODEL_ILP32, 0x00100000);
IS(DATAMODEL_LP64, 0x00200000);
IS(DATAMODEL_MASK, 0x0ff00000);
IS(SIZEOF_STRUCT(pair, DATAMODEL_ILP32), 8);
IS(SIZEOF_STRUCT(pair, DATAMODEL_NATIVE), sizeof(struct pair));
IS(SIZEOF_PTR(DATAMODEL_ILP32), 4);
SIZE(pci_regspec_t, 20);
IS(PCI_CONF_CAP_PTR, 0x34);
IS(PCI_CONF_MAX_L, 0x3f);
IS(PCI_COMM_INTX_DISABLE, 0x400);
IS(PCI_STAT_PERROR, 0x8000);
IS(PCI_BASE_ROM_ADDR_M, 0xfffff800);
IS(PCI_CLASS_DISPLAY, 3);
IS(PCI_CAP_ID_MSI_X, 0x11);
IS(PCI_PMCSR_PME_STAT, 0x8000);
IS(PCI_REG_BUS_G(0x82123410), 0x12);
IS(PCI_REG_DEV_G(0x82123410), 6);
IS(PCI_REG_FUNC_G(0x82123410), 4);
IS(PCI_REG_REG_G(0x82123410), 0x10);
IS(PCI_REG_ADDR_G(0x82123410), 2);
IS(PCI_REG_REL_M, 0x80000000);

/* sys/fbio.h, sys/visual_io.h */
IS(FBIOGTYPE, 0x4600);
IS(FBIOGXINFO, 0x4600 + 39);
IS(FBIO_STEREO, 0x4600 + 44);
IS(FBIO_WID_ALLOC, 0x4600 + 30);
IS(FBTYPE_SUNFAST_COLOR, 12);
IS(FBTYPE_LASTPLUSONE, 21);
SIZE(struct fbtype, 24);
SIZE(struct fbgattr, 88);
SIZE(struct fbcurpos, 4);
IS(VIS_GETIDENTIFIER, 0x5600);
IS(VIS_PUTCMAP, 0x560a);
IS(VIS_GETCURSORPOS, 0x461b);

/* sys/ddifm.h */
IS(DDI_FM_UNKNOWN, -3);
IS(DDI_FM_ERRCB_CAPABLE, 8);
IS(DDI_FM_ERR_PEEK, 3);
IS(DDI_FME_VERSION, 1);
IS(DDI_SERVICE_LOST, -32);
IS(DDI_SERVICE_RESTORED, 16);
IS(DDI_DEVICE_FAULT, -16);
IS(DDI_DEVSTATE_UP, 32);
IS(DDI_DEVSTATE_OFFLINE, -32);

/* Properties */
IS(DDI_PROP_DONTSLEEP, 0x10);
IS(DDI_PROP_TYPE_INT64, 0x1000);
IS(DDI_PROP_TYPE_MASK, 0x1f00);
IS(DDI_PROP_END_OF_DATA, 8);
IS(PROP_EXISTS, 3);
PROTO(void, ddi_prop_remove_all, (dev_info_t *));

/* sys/types32.h */
SIZE(struct timeval32, 8);
SIZE(struct timespec32, 8);
SIZE(caddr32_t, 4);

/* sys/ddi.h, sys/sunddi.h */
PROTO(int, drv_setparm, (unsigned int, unsigned long));
PROTO(dev_info_t *, ddi_root_node, (void));
PROTO(int, ddi_strtol, (const char *, char **, int, long *));
PROTO(int, ddi_strtoull, (const char *, char **, int, u_longlong_t *));
IS(PPID, 11);
IS(PSID, 12);
IS(UCRED, 13);
IS(SYSRINT, 5);
IS(SYSOUTC, 10);

/* cb_ops(9S) */
IS(D_NEW, 0);
IS(D_HOTPLUG, 4);
IS(D_TAPE, 8);
IS(D_MP, 0x20);
IS(D_MTSAFE, 0x20);
IS(D_DEVMAP, 0x100);
IS(D_64BIT, 0x200);
IS(D_MTPERMOD, 0x6000);
IS(D_OPEN_RETURNS_EINTR, 0x100000);
