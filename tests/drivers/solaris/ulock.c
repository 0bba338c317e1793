/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ulock: locks that processes take by a store. Written as such drivers were for Solaris, from its manual
 * pages and without anything of devmap's; that it compiles and works as it is, is the test.
 *
 * LOCKS
 *   Each lock has a lock page and an unlock page in the device, at 2n and 2n + 1 pages. Both show one
 *   page of memory, whose first word is 1 while the lock is held. Who stores 1 at the lock page has the
 *   lock when the store completes; who stores 0 at the unlock page has given it up.
 *
 * HOW
 *   Only the owner, the process that had the lock last, has translations: nobody else's store gets
 *   through, and the owner's cost nothing while nobody wants the lock. Who faults on the lock page takes
 *   the owner's translations away, so that its next store comes here too, looks at the word, and becomes
 *   the owner if it is 0; else it sleeps until the owner faults on its unlock page. That store must do
 *   nothing more to a lock that another one has by then: it goes to a trash page.
 *
 *   A lock that is held for longer than steal-ms while somebody waits is stolen: both pages of who held
 *   it are trash from then on, until it takes the lock anew.
 *
 *   A child has its parent's mappings, but no lock: they are invalid.
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/errno.h>
#include <sys/conf.h>
#include <sys/kmem.h>
#include <sys/ksynch.h>
#include <sys/mman.h>
#include <sys/modctl.h>
#include <sys/stat.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>

#include "ulock.h"

#define ULOCKS 8

struct ulock;

/* A process that has one of a lock's pages mapped, or both. */
struct uproc {
	struct uproc *up_next;
	struct ulock *up_lock;
	pid_t up_pid;
	devmap_cookie_t up_dhp[2]; /* of the lock page, of the unlock page; or NULL */
	int up_trash[2];	   /* is that what it shows? */
};

struct ulock {
	kcondvar_t ul_cv; /* the word became 0, or the owner went */
	ddi_umem_cookie_t ul_cookie;
	volatile uint32_t *ul_word;
	int ul_number;
	int ul_waiters;
	struct uproc *ul_owner;
	struct uproc *ul_procs;
};

static dev_info_t *ulock_dip;
static kmutex_t ulock_mutex; /* guards all that follows */
static struct ulock ulocks[ULOCKS];
static ddi_umem_cookie_t ulock_trash;
static clock_t ulock_steal; /* ticks */

static offset_t page_of(struct uproc *up, int which)
{
	return ((offset_t)ptob(2 * up->up_lock->ul_number + which));
}

/* Whatever the process does with this page next comes here. */
static void page_close(struct uproc *up, int which)
{
	if (up->up_dhp[which] != NULL)
		(void)devmap_unload(up->up_dhp[which], page_of(up, which), PAGESIZE);
}

static int page_open(struct uproc *up, int which, uint_t type, uint_t rw)
{
	if (up->up_dhp[which] == NULL)
		return (0);
	return (devmap_load(up->up_dhp[which], page_of(up, which), PAGESIZE, type, rw));
}

/* What stands behind the page: the lock's memory, or nothing that matters. */
static int page_show(struct uproc *up, int which, int trash)
{
	ddi_umem_cookie_t cookie = trash ? ulock_trash : up->up_lock->ul_cookie;

	if (up->up_dhp[which] == NULL || up->up_trash[which] == trash)
		return (0);
	if (devmap_umem_remap(up->up_dhp[which], ulock_dip, cookie, 0, PAGESIZE,
			      PROT_READ | PROT_WRITE | PROT_USER, 0, NULL) != DDI_SUCCESS)
		return (EIO);
	up->up_trash[which] = trash;
	return (0);
}

/* Nobody has the lock, and nobody's store gets through. */
static void disown(struct ulock *ul)
{
	page_close(ul->ul_owner, 0);
	page_close(ul->ul_owner, 1);
	ul->ul_owner = NULL;
}

static void steal(struct ulock *ul)
{
	struct uproc *holder = ul->ul_owner;

	cmn_err(CE_NOTE, "!ulock: lock %d is taken from who held it", ul->ul_number);
	disown(ul);
	(void)page_show(holder, 0, 1);
	(void)page_show(holder, 1, 1);
	*ul->ul_word = 0;
}

/* Waits until nobody else holds the lock. 0 or EINTR. */
static int wait_until_free(struct uproc *up)
{
	struct ulock *ul = up->up_lock;
	clock_t end = ddi_get_lbolt() + ulock_steal;
	struct uproc *holder = ul->ul_owner;
	clock_t left;

	while (ul->ul_owner != NULL && ul->ul_owner != up) {
		page_close(ul->ul_owner, 0);
		page_close(ul->ul_owner, 1);
		if (*ul->ul_word == 0) {
			disown(ul);
			break;
		}
		if (ul->ul_owner != holder) {
			holder = ul->ul_owner;
			end = ddi_get_lbolt() + ulock_steal;
		}
		ul->ul_waiters++;
		left = cv_timedwait_sig(&ul->ul_cv, &ulock_mutex, end);
		ul->ul_waiters--;
		if (left == 0)
			return (EINTR);
		if (left < 0 && ul->ul_owner == holder && *ul->ul_word != 0)
			steal(ul);
	}
	return (0);
}

/* A store to the lock page. */
static int take(struct uproc *up, uint_t type, uint_t rw)
{
	struct ulock *ul = up->up_lock;
	int error = wait_until_free(up);

	if (error != 0)
		return (error);
	if (up->up_dhp[0] == NULL)
		return (EFAULT);
	ul->ul_owner = up;
	if ((error = page_show(up, 0, 0)) != 0 || (error = page_show(up, 1, 0)) != 0)
		return (error);
	if ((error = page_open(up, 0, type, rw)) != 0 || ul->ul_waiters > 0)
		return (error);
	return (page_open(up, 1, type, rw));
}

/* A store to the unlock page. */
static int give(struct uproc *up, uint_t type, uint_t rw)
{
	struct ulock *ul = up->up_lock;
	int error;

	if (ul->ul_owner == up && ul->ul_waiters > 0) {
		*ul->ul_word = 0;
		disown(ul);
		cv_broadcast(&ul->ul_cv);
	}
	if (ul->ul_owner != up && (error = page_show(up, 1, 1)) != 0)
		return (error);
	return (page_open(up, 1, type, rw));
}

static int ulock_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			uint_t rw)
{
	struct uproc *up = pvtp;
	int error;

	if (up == NULL)
		return (EFAULT); /* a child's */
	mutex_enter(&ulock_mutex);
	error = dhp == up->up_dhp[0] ? take(up, type, rw) : give(up, type, rw);
	mutex_exit(&ulock_mutex);
	return (error);
}

static int ulock_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off, size_t len,
		     void **pvtp)
{
	struct ulock *ul = &ulocks[btop(off) / 2];
	int which = btop(off) % 2;
	struct uproc *new = kmem_zalloc(sizeof(*new), KM_SLEEP);
	struct uproc *up;

	mutex_enter(&ulock_mutex);
	for (up = ul->ul_procs; up != NULL; up = up->up_next)
		if (up->up_pid == ddi_get_pid() && up->up_dhp[which] == NULL)
			break;
	if (up == NULL) {
		up = new;
		new = NULL;
		up->up_pid = ddi_get_pid();
		up->up_lock = ul;
		up->up_next = ul->ul_procs;
		ul->ul_procs = up;
	}
	up->up_dhp[which] = dhp;
	mutex_exit(&ulock_mutex);
	if (new != NULL)
		kmem_free(new, sizeof(*new));
	*pvtp = up;
	return (0);
}

static int ulock_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp, void **new_pvtp)
{
	*new_pvtp = NULL;
	return (devmap_devmem_remap(new_dhp, ulock_dip, 0, 0, PAGESIZE,
				    PROT_READ | PROT_WRITE | PROT_USER, DEVMAP_MAPPING_INVALID,
				    NULL) == DDI_SUCCESS ?
			0 :
			EIO);
}

static void uproc_free(struct uproc *up)
{
	struct uproc **link = &up->up_lock->ul_procs;

	while (*link != up)
		link = &(*link)->up_next;
	*link = up->up_next;
	kmem_free(up, sizeof(*up));
}

/* Handles are of one page, so they go whole. */
static void ulock_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
			void **new_pvtp2)
{
	struct uproc *up = pvtp;
	struct ulock *ul;
	int which;

	if (up == NULL)
		return; /* a child's */
	ul = up->up_lock;
	mutex_enter(&ulock_mutex);
	which = dhp == up->up_dhp[0] ? 0 : 1;
	up->up_dhp[which] = NULL;
	up->up_trash[which] = 0;
	if (ul->ul_owner == up) {
		ul->ul_owner = NULL;
		page_close(up, 1 - which);
		*ul->ul_word = 0;
		cv_broadcast(&ul->ul_cv);
	}
	if (up->up_dhp[1 - which] == NULL)
		uproc_free(up);
	mutex_exit(&ulock_mutex);
}

static struct devmap_callback_ctl ulock_callbacks = { DEVMAP_OPS_REV, ulock_map, ulock_access,
						      ulock_dup, ulock_unmap };

static int ulock_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
			uint_t model)
{
	if (off >= (offset_t)ptob(2 * ULOCKS))
		return (ENXIO);
	*maplen = PAGESIZE;
	return (devmap_umem_setup(dhp, ulock_dip, &ulock_callbacks, ulocks[btop(off) / 2].ul_cookie,
				  0, PAGESIZE, PROT_READ | PROT_WRITE | PROT_USER,
				  DEVMAP_ALLOW_REMAP, NULL));
}

static void free_locks(void)
{
	int i;

	for (i = 0; i < ULOCKS && ulocks[i].ul_cookie != NULL; i++) {
		cv_destroy(&ulocks[i].ul_cv);
		ddi_umem_free(ulocks[i].ul_cookie);
		ulocks[i].ul_cookie = NULL;
	}
	if (ulock_trash != NULL)
		ddi_umem_free(ulock_trash);
	mutex_destroy(&ulock_mutex);
}

static int ulock_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	int i;

	if (cmd != DDI_ATTACH || ulock_dip != NULL)
		return (DDI_FAILURE);
	mutex_init(&ulock_mutex, NULL, MUTEX_DRIVER, NULL);
	for (i = 0; i < ULOCKS; i++) {
		cv_init(&ulocks[i].ul_cv, NULL, CV_DRIVER, NULL);
		ulocks[i].ul_word = ddi_umem_alloc(ptob(1), DDI_UMEM_SLEEP, &ulocks[i].ul_cookie);
		ulocks[i].ul_number = i;
	}
	(void)ddi_umem_alloc(ptob(1), DDI_UMEM_TRASH, &ulock_trash);
	ulock_steal =
		drv_usectohz(1000 * (clock_t)ddi_getprop(DDI_DEV_T_ANY, dip, DDI_PROP_DONTPASS,
							 "steal-ms", 1000));
	ulock_dip = dip;
	if (ddi_create_minor_node(dip, "ulock", S_IFCHR, 0, DDI_PSEUDO, 0) == DDI_SUCCESS)
		return (DDI_SUCCESS);
	free_locks();
	ulock_dip = NULL;
	return (DDI_FAILURE);
}

static int ulock_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	if (cmd != DDI_DETACH)
		return (DDI_FAILURE);
	ddi_remove_minor_node(dip, NULL);
	free_locks();
	ulock_dip = NULL;
	return (DDI_SUCCESS);
}

static int ulock_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *credp, int *rvalp)
{
	if (cmd != ULOCK_WAITERS)
		return (ENOTTY);
	if (arg < 0 || arg >= ULOCKS)
		return (EINVAL);
	mutex_enter(&ulock_mutex);
	*rvalp = ulocks[arg].ul_waiters;
	mutex_exit(&ulock_mutex);
	return (0);
}

static struct cb_ops ulock_cb_ops = {
	nulldev,	   /* open */
	nulldev,	   /* close */
	nodev,		   /* strategy */
	nodev,		   /* print */
	nodev,		   /* dump */
	nodev,		   /* read */
	nodev,		   /* write */
	ulock_ioctl,	   /* ioctl */
	ulock_devmap,	   /* devmap */
	nodev,		   /* mmap */
	ddi_devmap_segmap, /* segmap */
	nochpoll,	   /* chpoll */
	ddi_prop_op,	   /* prop_op */
	NULL,		   /* streamtab */
	D_NEW | D_MP | D_DEVMAP,
	CB_REV,
	nodev, /* aread */
	nodev, /* awrite */
};

static struct dev_ops ulock_dev_ops = {
	DEVO_REV,     0,     ddi_no_info,   nulldev, nulldev, ulock_attach,
	ulock_detach, nodev, &ulock_cb_ops, NULL,    NULL,
};

static struct modldrv ulock_modldrv = { &mod_driverops, "locks by a store", &ulock_dev_ops };

static struct modlinkage ulock_modlinkage = { MODREV_1, { (void *)&ulock_modldrv, NULL } };

int _init(void)
{
	return (mod_install(&ulock_modlinkage));
}

int _fini(void)
{
	return (mod_remove(&ulock_modlinkage));
}

int _info(struct modinfo *modinfop)
{
	return (mod_info(&ulock_modlinkage, modinfop));
}
