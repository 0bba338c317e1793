/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddidevmap.h: device mappings: cookies, the driver's callbacks, flags; and devmap's own
 * additions to context management. devmap(9E), devmap_callback_ctl(9S), ddi_umem_alloc(9F).
 * The devmap_* functions of the DDI are in sys/sunddi.h.
 */
#ifndef DEVMAP_SYS_DDIDEVMAP_H
#define DEVMAP_SYS_DDIDEVMAP_H

#include <sys/types.h>
#include <sys/dditypes.h>
#include <sys/ddidmareq.h>

typedef void *devmap_cookie_t;	 /* a handle; drivers depend on its being a void * */
typedef void *ddi_umem_cookie_t; /* memory of ddi_umem_alloc(9F) or ddi_umem_lock(9F) */

struct as;
typedef struct as *ddi_as_handle_t; /* the address space that segmap(9E) maps into */

struct seg;

/*
 * A driver's callbacks on mappings of its device. It is copied when the handle is set up; any of
 * them may be NULL. off is in bytes as the user gave it to mmap(2); len in bytes, whole pages.
 */
struct devmap_callback_ctl {
	int devmap_rev; /* DEVMAP_OPS_REV */

	/* devmap_map(9E): dhp was mapped; *pvtp is the driver's. Non-zero fails mmap(2). */
	int (*devmap_map)(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off, size_t len,
			  void **pvtp);
	/*
	 * devmap_access(9E): a process touched a page that is not loaded. type is of enum
	 * devmap_fault_type, rw of enum devmap_rw. Non-zero fails the access.
	 */
	int (*devmap_access)(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			     uint_t rw);
	/* devmap_dup(9E): fork copied dhp to new_dhp. Non-zero fails the fork(2). */
	int (*devmap_dup)(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp,
			  void **new_pvtp);
	/*
	 * devmap_unmap(9E): off, len of dhp were unmapped. new_dhp1 is what remains before the
	 * hole, new_dhp2 what remains after it; NULL where nothing does.
	 */
	void (*devmap_unmap)(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			     devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
			     void **new_pvtp2);
};

#define DEVMAP_OPS_REV 1

/*
 * What drivers see where a cookie points, if they look: as it is whenever they are called, in
 * devmap_dup(9E) for the child's handle too. It is a picture: what is stored there (but for
 * dh_pvtp) changes nothing, and there is more behind it.
 */
typedef struct devmap_seen {
	offset_t dh_roff;   /* where the handle begins in the registers or the cookie, bytes */
	offset_t dh_uoff;   /* the same in the device, as the user counts */
	size_t dh_len;	    /* bytes, whole pages */
	dev_t dh_dev;	    /* that was opened */
	caddr_t dh_cvaddr;  /* of a cookie: where the driver sees dh_roff; else NULL */
	caddr_t dh_uvaddr;  /* where the process sees it */
	struct seg *dh_seg; /* of the mapping; its s_as is the process's */
	void *dh_pvtp;	    /* the driver's private data */
	ddi_umem_cookie_t dh_cookie; /* what is behind it; NULL: registers, or nothing */
	uint_t dh_prot;		     /* of mmap(2) */
	uint_t dh_maxprot;	     /* what mprotect(2) may make of it: dh_orig_maxprot, and ... */
	uint_t dh_orig_maxprot;	     /* ... what the driver allows */
	uint_t dh_flags;	     /* of the setup, and DEVMAP_SETUP_DONE */
	pfn_t dh_pfn;		     /* registers: page frame; (pfn_t)-1: it has none */
	uint_t dh_mmulevel;	     /* 0: small pages */
	uint_t dh_hat_attr;	     /* IOMEM_DATA_* of the setup */
	clock_t dh_timeout_length;   /* of devmap_set_ctx_timeout(9F), ticks */
	struct devmap_callback_ctl dh_callbackops; /* what is NULL is absent */
} devmap_handle_t;

/* The same where a ddi_umem_cookie_t of ddi_umem_alloc(9F) points. */
struct ddi_umem_cookie {
	size_t size;	     /* bytes, whole pages */
	caddr_t cvaddr;	     /* NULL: DDI_UMEM_TRASH */
	uint_t type;	     /* KMEM_NON_PAGEABLE, KMEM_PAGEABLE or UMEM_TRASH */
	ulong_t cook_refcnt; /* 1 */
};

/* type of devmap_access(9E), devmap_load(9F). The same numbers as enum fault_type. */
enum devmap_fault_type {
	DEVMAP_ACCESS = 0, /* an access, to be made possible */
	DEVMAP_PROT = 1,   /* never seen by a driver */
	DEVMAP_LOCK = 2,   /* the range is to stay valid until DEVMAP_UNLOCK */
	DEVMAP_UNLOCK = 3
};

/* rw of devmap_access(9E), devmap_load(9F). The same numbers as enum seg_rw. */
enum devmap_rw {
	DEVMAP_OTHER = 0,
	DEVMAP_READ = 1,
	DEVMAP_WRITE = 2,
	DEVMAP_EXEC = 3,
	DEVMAP_CREATE = 4
};

/* flags of devmap_devmem_setup(9F), devmap_umem_setup(9F) */
#define DEVMAP_DEFAULTS	       0x00
#define DEVMAP_MAPPING_INVALID 0x01 /* accesses fail until a remap; needs DEVMAP_ALLOW_REMAP */
#define DEVMAP_ALLOW_REMAP     0x02 /* devmap_devmem_remap(), _umem_remap() may be called */
#define DEVMAP_USE_PAGESIZE    0x04 /* small pages only */
#define DEVMAP_SETUP_FLAGS     0x07 /* all that a driver may set */

/* State of a handle, kept with the flags above; for the core, not for drivers. */
#define DEVMAP_SETUP_DONE  0x100
#define DEVMAP_LOCK_INITED 0x200
#define DEVMAP_LOCKED	   0x800
#define DEVMAP_FLAG_LARGE  0x1000

/* flag of ddi_umem_alloc(9F) */
#define DDI_UMEM_SLEEP	  0x00 /* wait for memory; never NULL */
#define DDI_UMEM_NOSLEEP  0x01
#define DDI_UMEM_PAGEABLE 0x02
#define DDI_UMEM_TRASH	  0x04 /* memory whose content nobody cares about */

/* flags of ddi_umem_lock(9F) */
#define DDI_UMEMLOCK_READ  0x01
#define DDI_UMEMLOCK_WRITE 0x02

/* What a ddi_umem_cookie_t stands for; for the core, not for drivers. */
#define KMEM_PAGEABLE	  0x100
#define KMEM_NON_PAGEABLE 0x200
#define UMEM_LOCKED	  0x400
#define UMEM_TRASH	  0x800

/*
 * Names of our own follow. A driver that should also build on Solaris uses them under
 * #ifdef DEVMAP_EXTENSIONS.
 */
#define DEVMAP_EXTENSIONS 1

/*
 * devmap_set_ctx_hold(): how long the owner of the device keeps it, once granted, in nanoseconds.
 *
 * As devmap_set_ctx_timeout(9F), which counts in ticks, but finer; the later call of the two
 * counts.
 *
 * dhp: the handle; usually called in devmap_map(9E).
 * ns: nanoseconds after the grant; 0: no hold.
 *
 * Returns 0; EINVAL: ns is negative, or dhp has no devmap_access(9E).
 */
int devmap_set_ctx_hold(devmap_cookie_t dhp, hrtime_t ns);

/*
 * devmap_set_ctx_overhead(): let the engine choose the hold. It measures what a switch of the
 * context costs, and holds long enough that switching takes at most this share of the device's
 * time.
 *
 * dhp: the handle; usually called in devmap_map(9E).
 * percent: 1 to 99; 0: the hold is again what devmap_set_ctx_hold() or devmap_set_ctx_timeout(9F)
 *	set.
 *
 * Returns 0; EINVAL: percent is above 99, or dhp has no devmap_access(9E).
 */
int devmap_set_ctx_overhead(devmap_cookie_t dhp, uint_t percent);

/*
 * devmap_set_ctx_group(): which handles share the hardware. Calls into a driver's context
 * management are never concurrent within a group, and a group has one owner at a time. Without this
 * call a group is (device instance, devmap_access function).
 *
 * dhp: the handle; call it in devmap_map(9E), before the first access.
 * key: any address of the driver's own; handles of one driver with the same key are one group.
 *	NULL: the default group.
 *
 * Returns 0; EINVAL: dhp has no devmap_access(9E); EBUSY: dhp has been accessed already; ENOMEM.
 */
int devmap_set_ctx_group(devmap_cookie_t dhp, void *key);

/*
 * devmap_set_ctx_share(): one device context that several processes share. All handles with the
 * same key are one owner of the device: while it is theirs each of them may have the same pages
 * loaded, in whatever processes, a hold keeps none of them waiting, and it ends early only when the
 * last of them is gone. Without this call a context is one process's; the property devmap-share=1
 * makes one of all MAP_SHARED mappings of a device, for a driver that does not call it.
 *
 * devmap_unload(9F) of one of the handles takes the pages of device memory from all of them. In
 * devmap_dup(9E) the child's handle has the parent's key already.
 *
 * dhp: the handle; call it in devmap_map(9E) or, for the new handle, in devmap_dup(9E).
 * key: any address of the driver's own; it counts within the handle's group. NULL: its process's own
 *	context.
 *
 * Returns 0; EINVAL: dhp has no devmap_access(9E); EBUSY, with a message: dhp is mapped already;
 * ENOMEM, or what else keeps the engine from it: nothing has changed, and devmap_map(9E) should fail.
 */
int devmap_set_ctx_share(devmap_cookie_t dhp, void *key);

/*
 * devmap_get_as_key(): which address space a handle belongs to, as a number that no other address
 * space ever had or will have while the engine runs. It is what a driver finds a process's context
 * by: process ids are used again, and address spaces may outlive the process that they began with.
 *
 * dhp: the handle; in devmap_dup(9E) the new handle gives the child's key. NULL: the address space
 * of
 *	the process that is being served, as in read(9E) or ioctl(9E).
 *
 * Returns the key; 0: dhp is not a handle, or, for NULL, the process has no mapping of any device,
 * or none is being served.
 */
uint64_t devmap_get_as_key(devmap_cookie_t dhp);

/*
 * devmap_keep_alloc(): memory that outlives the engine. When an engine dies and another takes its place (the user
 * engine's --on-crash=resume), attach(9E) runs again, then open(9E) for each open file, then devmap(9E) and
 * devmap_map(9E) for each mapping; whoever asks in one of these for memory by the same name and length gets it
 * with all that was stored there. What nobody has asked for by then is freed. Address space keys, and the device
 * memory that attach(9E) allocates, are what they were.
 *
 * A driver that asks for some in attach(9E) says by that that it can go on with its processes' contexts: without
 * any its mappings are not given to another engine. Contexts therefore lie in such memory, and no pointers.
 * <devmap/context.h> does all of this.
 *
 * dip: the instance. name: of the memory, within the instance; up to 63 characters. len: bytes.
 * found: stores 1: there it is, as it was; 0: it is new, and zeros. May be NULL.
 *
 * Returns the memory, aligned for any type; NULL: there is none to be had, or it has been asked for already
 * and not been freed (with a message). May sleep. With another engine or policy it is plain memory.
 */
void *devmap_keep_alloc(dev_info_t *dip, const char *name, size_t len, int *found);

/* devmap_keep_free(): it is not needed any more, now or by another engine. memory: may be NULL. */
void devmap_keep_free(void *memory);

/*
 * devmap_resuming(): in open(9E), devmap(9E) and devmap_map(9E): was the same done before, by an engine that
 * has died? A driver whose context for the process is not to be found then fails the call: that process's
 * accesses fail with SIGBUS, and it finds nothing that is not its own.
 *
 * Returns 1; 0: it is something new.
 */
int devmap_resuming(void);

#endif /* DEVMAP_SYS_DDIDEVMAP_H */
