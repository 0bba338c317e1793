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

/* sys/list.h: Linux has a structure of one of these names. */
#define list_create	   devmap_list_create
#define list_destroy	   devmap_list_destroy
#define list_insert_after  devmap_list_insert_after
#define list_insert_before devmap_list_insert_before
#define list_insert_head   devmap_list_insert_head
#define list_insert_tail   devmap_list_insert_tail
#define list_remove	   devmap_list_remove
#define list_remove_head   devmap_list_remove_head
#define list_remove_tail   devmap_list_remove_tail
#define list_move_tail	   devmap_list_move_tail
#define list_tail	   devmap_list_tail
#define list_next	   devmap_list_next
#define list_prev	   devmap_list_prev
#define list_is_empty	   devmap_list_is_empty
#define list_link_init	   devmap_list_link_init
#define list_link_replace  devmap_list_link_replace
#define list_link_active   devmap_list_link_active
#define list_head(list)	   devmap_list_head(list)

/* sys/avl.h */
#define avl_create	  devmap_avl_create
#define avl_destroy	  devmap_avl_destroy
#define avl_find	  devmap_avl_find
#define avl_insert	  devmap_avl_insert
#define avl_insert_here	  devmap_avl_insert_here
#define avl_add		  devmap_avl_add
#define avl_remove	  devmap_avl_remove
#define avl_first	  devmap_avl_first
#define avl_last	  devmap_avl_last
#define avl_walk	  devmap_avl_walk
#define avl_nearest	  devmap_avl_nearest
#define avl_update	  devmap_avl_update
#define avl_update_lt	  devmap_avl_update_lt
#define avl_update_gt	  devmap_avl_update_gt
#define avl_numnodes	  devmap_avl_numnodes
#define avl_is_empty	  devmap_avl_is_empty
#define avl_swap	  devmap_avl_swap
#define avl_destroy_nodes devmap_avl_destroy_nodes

/* sys/kmem.h, sys/vmem.h, sys/id_space.h */
#undef kmem_cache_create
#undef kmem_cache_destroy
#undef kmem_cache_alloc
#undef kmem_cache_free
#undef kmem_cache_reap_now
#undef kmem_cache_set_move
#define kmem_cache_create	  devmap_kmem_cache_create
#define kmem_cache_destroy	  devmap_kmem_cache_destroy
#define kmem_cache_alloc	  devmap_kmem_cache_alloc
#define kmem_cache_free		  devmap_kmem_cache_free
#define kmem_cache_reap_now	  devmap_kmem_cache_reap_now
#define kmem_cache_set_move	  devmap_kmem_cache_set_move
#define vmem_create		  devmap_vmem_create
#define vmem_destroy		  devmap_vmem_destroy
#define vmem_alloc		  devmap_vmem_alloc
#define vmem_free		  devmap_vmem_free
#define vmem_xalloc		  devmap_vmem_xalloc
#define vmem_xfree		  devmap_vmem_xfree
#define vmem_add		  devmap_vmem_add
#define vmem_contains		  devmap_vmem_contains
#define vmem_walk		  devmap_vmem_walk
#define vmem_size		  devmap_vmem_size
#define id_space_create		  devmap_id_space_create
#define id_space_destroy	  devmap_id_space_destroy
#define id_alloc		  devmap_id_alloc
#define id_alloc_nosleep	  devmap_id_alloc_nosleep
#define id_allocff		  devmap_id_allocff
#define id_allocff_nosleep	  devmap_id_allocff_nosleep
#define id_alloc_specific_nosleep devmap_id_alloc_specific_nosleep
#define id_free			  devmap_id_free

/* sys/taskq.h, sys/policy.h */
#define taskq_create		devmap_taskq_create
#define taskq_create_instance	devmap_taskq_create_instance
#define taskq_destroy		devmap_taskq_destroy
#define taskq_dispatch		devmap_taskq_dispatch
#define taskq_wait		devmap_taskq_wait
#define taskq_suspend		devmap_taskq_suspend
#define taskq_suspended		devmap_taskq_suspended
#define taskq_resume		devmap_taskq_resume
#define taskq_member		devmap_taskq_member
#define nulltask		devmap_nulltask
#define system_taskq		devmap_system_taskq
#define secpolicy_sys_devices	devmap_secpolicy_sys_devices
#define secpolicy_gart_access	devmap_secpolicy_gart_access
#define secpolicy_gart_map	devmap_secpolicy_gart_map
#define secpolicy_hwmanip	devmap_secpolicy_hwmanip
#define secpolicy_excl_open	devmap_secpolicy_excl_open
#define secpolicy_error_inject	devmap_secpolicy_error_inject
#define secpolicy_sys_config	devmap_secpolicy_sys_config
#define secpolicy_modctl	devmap_secpolicy_modctl
#define secpolicy_resource	devmap_secpolicy_resource
#define secpolicy_systeminfo	devmap_secpolicy_systeminfo
#define secpolicy_console	devmap_secpolicy_console
#define secpolicy_power_mgmt	devmap_secpolicy_power_mgmt
#define secpolicy_lock_memory	devmap_secpolicy_lock_memory
#define secpolicy_settime	devmap_secpolicy_settime
#define secpolicy_setpriority	devmap_secpolicy_setpriority
#define secpolicy_proc_access	devmap_secpolicy_proc_access
#define secpolicy_net_rawaccess devmap_secpolicy_net_rawaccess
#define secpolicy_net_config	devmap_secpolicy_net_config
#define secpolicy_basic_fork	devmap_secpolicy_basic_fork
#define secpolicy_basic_link	devmap_secpolicy_basic_link
#define secpolicy_basic_proc	devmap_secpolicy_basic_proc

/* sys/buf.h */
#define physio		devmap_physio
#define minphys		devmap_minphys
#define maxphys		devmap_maxphys
#define biodone		devmap_biodone
#define biowait		devmap_biowait
#define geterror	devmap_geterror
#define bioerror	devmap_bioerror
#define bioreset	devmap_bioreset
#define bioinit		devmap_bioinit
#define biofini		devmap_biofini
#define biosize		devmap_biosize
#define biomodified	devmap_biomodified
#define bioclone	devmap_bioclone
#define getrbuf		devmap_getrbuf
#define freerbuf	devmap_freerbuf
#define clrbuf		devmap_clrbuf
#define disksort	devmap_disksort
#define bp_mapin	devmap_bp_mapin
#define bp_mapin_common devmap_bp_mapin_common
#define bp_mapout	devmap_bp_mapout
#define bp_copyin	devmap_bp_copyin
#define bp_copyout	devmap_bp_copyout

/* sys/kstat.h: Linux has a structure of the first name. */
#define kstat			 devmap_kstat
#define kstat_create		 devmap_kstat_create
#define kstat_install		 devmap_kstat_install
#define kstat_delete		 devmap_kstat_delete
#define kstat_delete_byname	 devmap_kstat_delete_byname
#define kstat_named_init	 devmap_kstat_named_init
#define kstat_named_setstr	 devmap_kstat_named_setstr
#define kstat_set_string	 devmap_kstat_set_string
#define kstat_timer_init	 devmap_kstat_timer_init
#define kstat_timer_start	 devmap_kstat_timer_start
#define kstat_timer_stop	 devmap_kstat_timer_stop
#define kstat_waitq_enter	 devmap_kstat_waitq_enter
#define kstat_waitq_exit	 devmap_kstat_waitq_exit
#define kstat_runq_enter	 devmap_kstat_runq_enter
#define kstat_runq_exit		 devmap_kstat_runq_exit
#define kstat_waitq_to_runq	 devmap_kstat_waitq_to_runq
#define kstat_runq_back_to_waitq devmap_kstat_runq_back_to_waitq

/* sys/pm.h */
#define pm_busy_component     devmap_pm_busy_component
#define pm_idle_component     devmap_pm_idle_component
#define pm_raise_power	      devmap_pm_raise_power
#define pm_lower_power	      devmap_pm_lower_power
#define pm_power_has_changed  devmap_pm_power_has_changed
#define pm_update_maxpower    devmap_pm_update_maxpower
#define pm_get_current_power  devmap_pm_get_current_power
#define pm_create_components  devmap_pm_create_components
#define pm_destroy_components devmap_pm_destroy_components
#define pm_set_normal_power   devmap_pm_set_normal_power
#define pm_get_normal_power   devmap_pm_get_normal_power

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
#define uiocopy	   devmap_uiocopy
#define uioskip	   devmap_uioskip
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
#define nopropop      devmap_nopropop
#define nochpoll      devmap_nochpoll
#define mod_driverops devmap_mod_driverops
#define mod_install   devmap_module_install
#define mod_remove    devmap_module_remove
#define mod_info      devmap_module_info

#endif
