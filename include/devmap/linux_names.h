/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The DDI's general names are other names in the Linux kernel: many are Linux's own already, and
 * others are exported by other modules (OpenZFS brings a DDI too). So what a driver calls
 * mutex_enter() is devmap_mutex_enter() to the linker. Names that begin with devmap_, and nearly
 * all that begin with ddi_, need none.
 *
 * Included after the Linux headers that <devmap/linux_types.h> names: those declared first keep
 * Linux's meaning of a name. mutex_init() and its like become macros: <devmap/linux_ksynch.h>.
 */
#ifndef DEVMAP_LINUX_NAMES_H
#define DEVMAP_LINUX_NAMES_H

#undef mutex_init
#undef sema_init
#undef dev_err
#ifdef DEVMAP_DRIVER
#undef current /* many a driver's word for whose context is in the device */
#endif

/* sys/types.h: Linux has a structure of this name. */
#define pfn_t devmap_pfn_t

/* sys/ksynch.h */
#define mutex_init	       devmap_mutex_init
#define mutex_destroy	       devmap_mutex_destroy
#define mutex_enter	       devmap_mutex_enter
#define mutex_exit	       devmap_mutex_exit
#define mutex_tryenter	       devmap_mutex_tryenter
#define mutex_owned	       devmap_mutex_owned
#define cv_init		       devmap_cv_init
#define cv_destroy	       devmap_cv_destroy
#define cv_signal	       devmap_cv_signal
#define cv_broadcast	       devmap_cv_broadcast
#define cv_wait		       devmap_cv_wait
#define cv_wait_sig	       devmap_cv_wait_sig
#define cv_timedwait	       devmap_cv_timedwait
#define cv_timedwait_sig       devmap_cv_timedwait_sig
#define cv_reltimedwait	       devmap_cv_reltimedwait
#define cv_reltimedwait_sig    devmap_cv_reltimedwait_sig
#define cv_timedwait_hires     devmap_cv_timedwait_hires
#define cv_timedwait_sig_hires devmap_cv_timedwait_sig_hires
#define rw_init		       devmap_rw_init
#define rw_destroy	       devmap_rw_destroy
#define rw_enter	       devmap_rw_enter
#define rw_exit		       devmap_rw_exit
#define rw_tryenter	       devmap_rw_tryenter
#define rw_downgrade	       devmap_rw_downgrade
#define rw_tryupgrade	       devmap_rw_tryupgrade
#define rw_read_locked	       devmap_rw_read_locked
#define rw_write_held	       devmap_rw_write_held
#define rw_lock_held	       devmap_rw_lock_held
#define sema_init	       devmap_sema_init
#define sema_destroy	       devmap_sema_destroy
#define sema_p		       devmap_sema_p
#define sema_p_sig	       devmap_sema_p_sig
#define sema_tryp	       devmap_sema_tryp
#define sema_v		       devmap_sema_v

/* sys/kmem.h */
#define kmem_alloc  devmap_kmem_alloc
#define kmem_zalloc devmap_kmem_zalloc
#define kmem_free   devmap_kmem_free

/* sys/cmn_err.h, sys/debug.h */
#define cmn_err	 devmap_cmn_err
#define vcmn_err devmap_vcmn_err
#define dev_err	 devmap_dev_err
#define assfail	 devmap_assfail
#define assfail3 devmap_assfail3

/* sys/time.h, sys/ddi.h, sys/systm.h */
#define hz	     devmap_hz
#define gethrtime    devmap_gethrtime
#define timeout	     devmap_timeout
#define untimeout    devmap_untimeout
#define delay	     devmap_delay
#define drv_usectohz devmap_drv_usectohz
#define drv_hztousec devmap_drv_hztousec
#define drv_usecwait devmap_drv_usecwait
#define drv_getparm  devmap_drv_getparm
#define drv_setparm  devmap_drv_setparm
#define getmajor     devmap_getmajor
#define getminor     devmap_getminor
#define makedevice   devmap_makedevice
#define ptob	     devmap_ptob
#define btop	     devmap_btop
#define btopr	     devmap_btopr
#define copyin	     devmap_copyin
#define copyout	     devmap_copyout
#define ddi_copyin   devmap_ddi_copyin
#define ddi_copyout  devmap_ddi_copyout
#define bcopy	     devmap_bcopy
#define bzero	     devmap_bzero

/* sys/uio.h, sys/poll.h */
#define uiomove	   devmap_uiomove
#define ureadc	   devmap_ureadc
#define uwritec	   devmap_uwritec
#define pollwakeup devmap_pollwakeup

/* sys/cred.h */
#define crgetuid  devmap_crgetuid
#define crgetruid devmap_crgetruid
#define crgetgid  devmap_crgetgid
#define crgetrgid devmap_crgetrgid
#define drv_priv  devmap_drv_priv

/* sys/devops.h, sys/modctl.h, sys/sunddi.h */
#define nodev	      devmap_nodev
#define nulldev	      devmap_nulldev
#define nochpoll      devmap_nochpoll
#define mod_driverops devmap_mod_driverops
#define mod_install   devmap_module_install
#define mod_remove    devmap_module_remove
#define mod_info      devmap_module_info

#endif
