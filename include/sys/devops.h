/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/devops.h: a driver's entry points. cb_ops(9S), dev_ops(9S). Drivers initialise both
 * structures by position too, and may stop early: the order of the members is part of the DDI.
 */
#ifndef DEVMAP_SYS_DEVOPS_H
#define DEVMAP_SYS_DEVOPS_H

#include <sys/types.h>
#include <sys/buf.h>
#include <sys/cred.h>
#include <sys/debug.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ksynch.h>
#include <sys/list.h>
#include <sys/mman.h>
#include <sys/model.h>
#include <sys/param.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/thread.h>
#include <sys/uio.h>
#include <sys/dditypes.h>
#include <sys/ddi_intr.h>
#include <sys/ddimapreq.h>
#include <sys/nexusdefs.h>
#include <sys/aio_req.h>
#include <sys/ddidevmap.h>

struct as;
struct buf;
struct bus_ops;
struct pollhead;
struct streamtab;
struct uio;

/* getinfo(9E) */
typedef enum {
	DDI_INFO_DEVT2DEVINFO = 0, /* *resultp is the dev_info_t * of the dev_t arg */
	DDI_INFO_DEVT2INSTANCE = 1 /* *resultp is its instance number */
} ddi_info_cmd_t;

/* attach(9E) */
typedef enum { DDI_ATTACH = 0, DDI_RESUME = 1, DDI_PM_RESUME = 2 } ddi_attach_cmd_t;

/* detach(9E) */
typedef enum { DDI_DETACH = 0, DDI_SUSPEND = 1, DDI_PM_SUSPEND = 2 } ddi_detach_cmd_t;

typedef enum { DDI_RESET_FORCE = 0 } ddi_reset_cmd_t;

/* prop_op(9E) */
typedef enum {
	PROP_LEN = 0,
	PROP_LEN_AND_VAL_BUF = 1,
	PROP_LEN_AND_VAL_ALLOC = 2,
	PROP_EXISTS = 3
} ddi_prop_op_t;

/* identify(9E), obsolete, and probe(9E) */
#define DDI_NOT_IDENTIFIED (-1)
#define DDI_IDENTIFIED	   1
#define DDI_PROBE_FAILURE  ENXIO
#define DDI_PROBE_DONTCARE 0
#define DDI_PROBE_PARTIAL  1
#define DDI_PROBE_SUCCESS  2

struct cb_ops {
	int (*cb_open)(dev_t *devp, int flag, int otyp, cred_t *credp);
	int (*cb_close)(dev_t dev, int flag, int otyp, cred_t *credp);
	int (*cb_strategy)(struct buf *bp);
	int (*cb_print)(dev_t dev, char *str);
	int (*cb_dump)(dev_t dev, caddr_t addr, daddr_t blkno, int nblk);
	int (*cb_read)(dev_t dev, struct uio *uiop, cred_t *credp);
	int (*cb_write)(dev_t dev, struct uio *uiop, cred_t *credp);
	int (*cb_ioctl)(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *credp, int *rvalp);
	int (*cb_devmap)(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
			 uint_t model);
	int (*cb_mmap)(dev_t dev, off_t off, int prot);
	int (*cb_segmap)(dev_t dev, off_t off, struct as *asp, caddr_t *addrp, off_t len,
			 unsigned int prot, unsigned int maxprot, unsigned int flags,
			 cred_t *credp);
	int (*cb_chpoll)(dev_t dev, short events, int anyyet, short *reventsp,
			 struct pollhead **phpp);
	int (*cb_prop_op)(dev_t dev, dev_info_t *dip, ddi_prop_op_t prop_op, int mod_flags,
			  char *name, caddr_t valuep, int *lengthp);
	struct streamtab *cb_str; /* NULL: no STREAMS here */
	int cb_flag;		  /* D_MP | D_64BIT | D_DEVMAP ... */
	int cb_rev;		  /* CB_REV */
	int (*cb_aread)(dev_t dev, struct aio_req *aio, cred_t *credp);
	int (*cb_awrite)(dev_t dev, struct aio_req *aio, cred_t *credp);
};

#define CB_REV 1

/* cb_flag */
#define D_NEW	  0x000
#define D_HOTPLUG 0x004
#define D_TAPE	  0x008
#define D_MP	  0x020 /* entry points may be called at once; always so here */
#define D_MTSAFE  D_MP
#define D_DEVMAP  0x100 /* cb_devmap is to be used */
#define D_64BIT	  0x200 /* offsets of uio and devmap have 64 bits */
#define D_U64BIT  0x40000
/* Of STREAMS, which are not here. */
#define D_SYNCSTR	     0x400
#define D_MTOCEXCL	     0x800
#define D_MTPUTSHARED	     0x1000
#define D_MTPERQ	     0x2000
#define D_MTQPAIR	     0x4000
#define D_MTPERMOD	     0x6000
#define D_MTOUTPERIM	     0x8000
#define D_OPEN_RETURNS_EINTR 0x100000

struct dev_ops {
	int devo_rev;	 /* DEVO_REV */
	int devo_refcnt; /* 0 */
	int (*devo_getinfo)(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp);
	int (*devo_identify)(dev_info_t *dip); /* nulldev */
	int (*devo_probe)(dev_info_t *dip);
	int (*devo_attach)(dev_info_t *dip, ddi_attach_cmd_t cmd);
	int (*devo_detach)(dev_info_t *dip, ddi_detach_cmd_t cmd);
	int (*devo_reset)(dev_info_t *dip, ddi_reset_cmd_t cmd); /* nodev */
	struct cb_ops *devo_cb_ops;
	struct bus_ops *devo_bus_ops; /* NULL */
	int (*devo_power)(dev_info_t *dip, int component, int level);
	int (*devo_quiesce)(dev_info_t *dip);
};

#define DEVO_REV 4

/*
 * nodev(9F) returns ENXIO, nulldev(9F) 0: for entry points that a driver lacks. They are declared
 * without parameters so that they fit every slot; C23 no longer has such declarations. (Who defines
 * them adds a prototype with void first.)
 */
#if defined(__STDC_VERSION__) && __STDC_VERSION__ > 201710L
int devmap_nodev(void) __asm__("nodev");
int devmap_nulldev(void) __asm__("nulldev");
#define nodev	((void *)devmap_nodev)
#define nulldev ((void *)devmap_nulldev)
#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
int nodev();
int nulldev();
#pragma GCC diagnostic pop
#endif

#endif /* DEVMAP_SYS_DEVOPS_H */
