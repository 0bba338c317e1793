/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddi_intr.h: interrupts. ddi_intr_alloc(9F), ddi_intr_add_handler(9F), ddi_intr_enable(9F),
 * ddi_intr_add_softint(9F) and their relatives; the older ddi_add_intr(9F) is in sys/sunddi.h.
 *
 * Handlers run in threads of their own, so all of them may take any lock, and wait. There is no
 * interrupt of a high level; priorities are kept, and have no effect. What an instance's hardware
 * has: of a PCI function INTx, MSI and MSI-X (kernel engine); of a model what that has added
 * (<devmap/model.h>), as fixed interrupts or as MSI, whichever the driver likes.
 *
 * Functions that return an int: DDI_SUCCESS; DDI_EINVAL: the arguments, or the order of calls; or what is
 * said below.
 */
#ifndef DEVMAP_SYS_DDI_INTR_H
#define DEVMAP_SYS_DDI_INTR_H

#include <sys/types.h>
#include <sys/dditypes.h>

/* Of a handler */
#define DDI_INTR_CLAIMED	 1
#define DDI_INTR_UNCLAIMED	 0

#define DDI_INTR_NOTFOUND	 1

#define DDI_INTR_TYPE_FIXED	 0x1
#define DDI_INTR_TYPE_MSI	 0x2
#define DDI_INTR_TYPE_MSIX	 0x4

#define DDI_INTR_PRI_MIN	 1
#define DDI_INTR_PRI_MAX	 12
#define DDI_INTR_SOFTPRI_MIN	 1
#define DDI_INTR_SOFTPRI_MAX	 9
#define DDI_INTR_SOFTPRI_DEFAULT DDI_INTR_SOFTPRI_MIN

#define DDI_INTR_FLAG_LEVEL	 0x0001
#define DDI_INTR_FLAG_EDGE	 0x0002
#define DDI_INTR_FLAG_MASKABLE	 0x0010
#define DDI_INTR_FLAG_PENDING	 0x0020
#define DDI_INTR_FLAG_BLOCK	 0x0100
#define DDI_INTR_FLAG_MSI64	 0x0200

#define DDI_INTR_ALLOC_NORMAL	 0
#define DDI_INTR_ALLOC_STRICT	 1

/* The last argument of mutex_init(9F) and its like. */
#define DDI_INTR_PRI(pri) ((void *)(uintptr_t)(pri))

typedef struct ddi_intr *ddi_intr_handle_t;
typedef struct ddi_softint *ddi_softint_handle_t;
typedef uint_t(ddi_intr_handler_t)(caddr_t arg1, caddr_t arg2);

/* What there is. DDI_INTR_NOTFOUND: nothing, of any type or of this one. */
int ddi_intr_get_supported_types(dev_info_t *dip, int *typesp);
int ddi_intr_get_nintrs(dev_info_t *dip, int type, int *nintrsp);
int ddi_intr_get_navail(dev_info_t *dip, int type, int *navailp);

/*
 * Handles for count interrupts from inum on, in h_array; *actualp: how many. All of an instance's
 * interrupts are of one type, and those of PCI of one call. DDI_INTR_NOTFOUND: there is none of
 * the type; DDI_EAGAIN: others have them, or with DDI_INTR_ALLOC_STRICT there are fewer.
 */
int ddi_intr_alloc(dev_info_t *dip, ddi_intr_handle_t *h_array, int type, int inum, int count,
		   int *actualp, int behavior);
int ddi_intr_free(ddi_intr_handle_t h); /* after ddi_intr_remove_handler() */
int ddi_intr_get_cap(ddi_intr_handle_t h, int *flagsp);
int ddi_intr_set_cap(ddi_intr_handle_t h, int flags); /* DDI_ENOTSUP: nothing can be chosen */
uint_t ddi_intr_get_hilevel_pri(void);
int ddi_intr_get_pri(ddi_intr_handle_t h, uint_t *prip);
int ddi_intr_set_pri(ddi_intr_handle_t h, uint_t pri); /* before ddi_intr_add_handler() */

int ddi_intr_add_handler(ddi_intr_handle_t h, ddi_intr_handler_t handler, void *arg1, void *arg2);
int ddi_intr_remove_handler(ddi_intr_handle_t h); /* after ddi_intr_disable() */
/* MSI-X only, where DDI_FAILURE: no vector is shared. */
int ddi_intr_dup_handler(ddi_intr_handle_t org, int vector, ddi_intr_handle_t *dupp);

/* DDI_FAILURE: the system gives none, or no thread. */
int ddi_intr_enable(ddi_intr_handle_t h);
int ddi_intr_disable(ddi_intr_handle_t h); /* waits for a handler that runs */
int ddi_intr_block_enable(ddi_intr_handle_t *h_array, int count);
int ddi_intr_block_disable(ddi_intr_handle_t *h_array, int count);

/* DDI_ENOTSUP, since no handle has DDI_INTR_FLAG_MASKABLE or DDI_INTR_FLAG_PENDING. */
int ddi_intr_set_mask(ddi_intr_handle_t h);
int ddi_intr_clr_mask(ddi_intr_handle_t h);
int ddi_intr_get_pending(ddi_intr_handle_t h, int *pendingp);
int ddi_intr_set_nreq(dev_info_t *dip, int nreq); /* DDI_ENOTSUP */

/*
 * Soft interrupts: a function that a thread calls soon after it was triggered. DDI_EPENDING: that has
 * been done already, and arg2 is dropped.
 */
int ddi_intr_add_softint(dev_info_t *dip, ddi_softint_handle_t *hp, int soft_pri,
			 ddi_intr_handler_t handler, void *arg1);
int ddi_intr_remove_softint(ddi_softint_handle_t h); /* waits for a handler that runs */
int ddi_intr_trigger_softint(ddi_softint_handle_t h, void *arg2);
int ddi_intr_get_softint_pri(ddi_softint_handle_t h, uint_t *prip);
int ddi_intr_set_softint_pri(ddi_softint_handle_t h, uint_t pri);

#endif /* DEVMAP_SYS_DDI_INTR_H */
