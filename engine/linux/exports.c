// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What of the core and of ddi/ is for drivers: they themselves know nothing of Linux. */
#include "linux.h"

#include <sys/avl.h>
#include <sys/buf.h>
#include <sys/conf.h>
#include <sys/ddifm.h>
#include <sys/ddi_intr.h>
#include <sys/id_space.h>
#include <sys/kstat.h>
#include <sys/list.h>
#include <sys/param.h>
#include <sys/pci.h>
#include <sys/pm.h>
#include <sys/policy.h>
#include <sys/poll.h>
#include <sys/taskq.h>
#include <sys/uio.h>
#include <sys/vmem.h>

EXPORT_SYMBOL(ddi_devmap_segmap);
EXPORT_SYMBOL(devmap_setup);
EXPORT_SYMBOL(devmap_devmem_setup);
EXPORT_SYMBOL(devmap_umem_setup);
EXPORT_SYMBOL(devmap_devmem_remap);
EXPORT_SYMBOL(devmap_umem_remap);
EXPORT_SYMBOL(devmap_load);
EXPORT_SYMBOL(devmap_unload);
EXPORT_SYMBOL(devmap_default_access);
EXPORT_SYMBOL(devmap_do_ctxmgt);
EXPORT_SYMBOL(devmap_set_ctx_timeout);
EXPORT_SYMBOL(devmap_set_ctx_hold);
EXPORT_SYMBOL(devmap_set_ctx_overhead);
EXPORT_SYMBOL(devmap_set_ctx_group);
EXPORT_SYMBOL(devmap_set_ctx_share);
EXPORT_SYMBOL(devmap_get_as_key);
EXPORT_SYMBOL(devmap_keep_alloc);
EXPORT_SYMBOL(devmap_keep_free);
EXPORT_SYMBOL(devmap_resuming);

EXPORT_SYMBOL(ddi_soft_state_init);
EXPORT_SYMBOL(ddi_soft_state_zalloc);
EXPORT_SYMBOL(ddi_get_soft_state);
EXPORT_SYMBOL(ddi_soft_state_free);
EXPORT_SYMBOL(ddi_soft_state_fini);

EXPORT_SYMBOL(ddi_get_instance);
EXPORT_SYMBOL(ddi_driver_name);
EXPORT_SYMBOL(ddi_get_name);
EXPORT_SYMBOL(ddi_get_parent);
EXPORT_SYMBOL(ddi_root_node);
EXPORT_SYMBOL(ddi_get_driver_private);
EXPORT_SYMBOL(ddi_set_driver_private);
EXPORT_SYMBOL(ddi_report_dev);

EXPORT_SYMBOL(cmn_err);
EXPORT_SYMBOL(vcmn_err);
EXPORT_SYMBOL(dev_err);
EXPORT_SYMBOL(assfail);
EXPORT_SYMBOL(assfail3);

EXPORT_SYMBOL(mod_driverops);
EXPORT_SYMBOL(mod_install);
EXPORT_SYMBOL(mod_remove);
EXPORT_SYMBOL(mod_info);

EXPORT_SYMBOL(ddi_prop_get_int);
EXPORT_SYMBOL(ddi_prop_exists);
EXPORT_SYMBOL(ddi_prop_lookup_string);
EXPORT_SYMBOL(ddi_prop_lookup_int_array);
EXPORT_SYMBOL(ddi_prop_free);
EXPORT_SYMBOL(ddi_prop_update_int);
EXPORT_SYMBOL(ddi_prop_update_string);
EXPORT_SYMBOL(ddi_getprop);
EXPORT_SYMBOL(ddi_getlongprop);
EXPORT_SYMBOL(ddi_prop_op);
EXPORT_SYMBOL(ddi_prop_get_int64);
EXPORT_SYMBOL(ddi_prop_lookup_string_array);
EXPORT_SYMBOL(ddi_prop_lookup_int64_array);
EXPORT_SYMBOL(ddi_prop_lookup_byte_array);
EXPORT_SYMBOL(ddi_prop_update_int64);
EXPORT_SYMBOL(ddi_prop_update_int_array);
EXPORT_SYMBOL(ddi_prop_update_int64_array);
EXPORT_SYMBOL(ddi_prop_update_string_array);
EXPORT_SYMBOL(ddi_prop_update_byte_array);
EXPORT_SYMBOL(ddi_prop_create);
EXPORT_SYMBOL(ddi_prop_modify);
EXPORT_SYMBOL(ddi_prop_undefine);
EXPORT_SYMBOL(ddi_prop_remove);
EXPORT_SYMBOL(ddi_prop_remove_all);
EXPORT_SYMBOL(ddi_getproplen);
EXPORT_SYMBOL(ddi_getlongprop_buf);
EXPORT_SYMBOL(nopropop);

EXPORT_SYMBOL(copyin);
EXPORT_SYMBOL(copyout);
EXPORT_SYMBOL(ddi_copyin);
EXPORT_SYMBOL(ddi_copyout);
EXPORT_SYMBOL(uiomove);
EXPORT_SYMBOL(uiocopy);
EXPORT_SYMBOL(uioskip);
EXPORT_SYMBOL(ureadc);
EXPORT_SYMBOL(uwritec);

EXPORT_SYMBOL(devmap_curproc);
EXPORT_SYMBOL(drv_getparm);
EXPORT_SYMBOL(drv_setparm);
EXPORT_SYMBOL(ddi_model_convert_from);

EXPORT_SYMBOL(ddi_strtol);
EXPORT_SYMBOL(ddi_strtoul);
EXPORT_SYMBOL(ddi_strtoll);
EXPORT_SYMBOL(ddi_strtoull);

EXPORT_SYMBOL(ddi_intr_get_supported_types);
EXPORT_SYMBOL(ddi_intr_get_nintrs);
EXPORT_SYMBOL(ddi_intr_get_navail);
EXPORT_SYMBOL(ddi_intr_alloc);
EXPORT_SYMBOL(ddi_intr_free);
EXPORT_SYMBOL(ddi_intr_get_cap);
EXPORT_SYMBOL(ddi_intr_set_cap);
EXPORT_SYMBOL(ddi_intr_get_hilevel_pri);
EXPORT_SYMBOL(ddi_intr_get_pri);
EXPORT_SYMBOL(ddi_intr_set_pri);
EXPORT_SYMBOL(ddi_intr_add_handler);
EXPORT_SYMBOL(ddi_intr_remove_handler);
EXPORT_SYMBOL(ddi_intr_dup_handler);
EXPORT_SYMBOL(ddi_intr_enable);
EXPORT_SYMBOL(ddi_intr_disable);
EXPORT_SYMBOL(ddi_intr_block_enable);
EXPORT_SYMBOL(ddi_intr_block_disable);
EXPORT_SYMBOL(ddi_intr_set_mask);
EXPORT_SYMBOL(ddi_intr_clr_mask);
EXPORT_SYMBOL(ddi_intr_get_pending);
EXPORT_SYMBOL(ddi_intr_set_nreq);
EXPORT_SYMBOL(ddi_intr_add_softint);
EXPORT_SYMBOL(ddi_intr_remove_softint);
EXPORT_SYMBOL(ddi_intr_trigger_softint);
EXPORT_SYMBOL(ddi_intr_get_softint_pri);
EXPORT_SYMBOL(ddi_intr_set_softint_pri);
EXPORT_SYMBOL(ddi_dev_nintrs);
EXPORT_SYMBOL(ddi_get_iblock_cookie);
EXPORT_SYMBOL(ddi_intr_hilevel);
EXPORT_SYMBOL(ddi_add_intr);
EXPORT_SYMBOL(ddi_remove_intr);
EXPORT_SYMBOL(ddi_get_soft_iblock_cookie);
EXPORT_SYMBOL(ddi_add_softintr);
EXPORT_SYMBOL(ddi_remove_softintr);
EXPORT_SYMBOL(ddi_trigger_softintr);

EXPORT_SYMBOL(pm_busy_component);
EXPORT_SYMBOL(pm_idle_component);
EXPORT_SYMBOL(pm_raise_power);
EXPORT_SYMBOL(pm_lower_power);
EXPORT_SYMBOL(pm_power_has_changed);
EXPORT_SYMBOL(pm_update_maxpower);
EXPORT_SYMBOL(pm_get_current_power);
EXPORT_SYMBOL(pm_create_components);
EXPORT_SYMBOL(pm_destroy_components);
EXPORT_SYMBOL(pm_set_normal_power);
EXPORT_SYMBOL(pm_get_normal_power);
EXPORT_SYMBOL(ddi_dev_is_needed);
EXPORT_SYMBOL(ddi_removing_power);
EXPORT_SYMBOL(ddi_peek8);
EXPORT_SYMBOL(ddi_peek16);
EXPORT_SYMBOL(ddi_peek32);
EXPORT_SYMBOL(ddi_peek64);
EXPORT_SYMBOL(ddi_peekc);
EXPORT_SYMBOL(ddi_peeks);
EXPORT_SYMBOL(ddi_peekl);
EXPORT_SYMBOL(ddi_peekd);
EXPORT_SYMBOL(ddi_poke8);
EXPORT_SYMBOL(ddi_poke16);
EXPORT_SYMBOL(ddi_poke32);
EXPORT_SYMBOL(ddi_poke64);
EXPORT_SYMBOL(ddi_pokec);
EXPORT_SYMBOL(ddi_pokes);
EXPORT_SYMBOL(ddi_pokel);
EXPORT_SYMBOL(ddi_poked);
EXPORT_SYMBOL(ddi_peekpokeio);

EXPORT_SYMBOL(kstat_create);
EXPORT_SYMBOL(kstat_install);
EXPORT_SYMBOL(kstat_delete);
EXPORT_SYMBOL(kstat_delete_byname);
EXPORT_SYMBOL(kstat_named_init);
EXPORT_SYMBOL(kstat_named_setstr);
EXPORT_SYMBOL(kstat_set_string);
EXPORT_SYMBOL(kstat_timer_init);
EXPORT_SYMBOL(kstat_timer_start);
EXPORT_SYMBOL(kstat_timer_stop);
EXPORT_SYMBOL(kstat_waitq_enter);
EXPORT_SYMBOL(kstat_waitq_exit);
EXPORT_SYMBOL(kstat_runq_enter);
EXPORT_SYMBOL(kstat_runq_exit);
EXPORT_SYMBOL(kstat_waitq_to_runq);
EXPORT_SYMBOL(kstat_runq_back_to_waitq);

EXPORT_SYMBOL(nodev);
EXPORT_SYMBOL(nulldev);
EXPORT_SYMBOL(ddi_no_info);
EXPORT_SYMBOL(ddi_quiesce_not_needed);
EXPORT_SYMBOL(ddi_quiesce_not_supported);
EXPORT_SYMBOL(nochpoll);

EXPORT_SYMBOL(ptob);
EXPORT_SYMBOL(btop);
EXPORT_SYMBOL(btopr);
EXPORT_SYMBOL(ddi_ptob);
EXPORT_SYMBOL(ddi_btop);
EXPORT_SYMBOL(ddi_btopr);

EXPORT_SYMBOL(hz);
EXPORT_SYMBOL(ddi_get_lbolt);
EXPORT_SYMBOL(ddi_get_lbolt64);
EXPORT_SYMBOL(drv_usectohz);
EXPORT_SYMBOL(drv_hztousec);
EXPORT_SYMBOL(drv_usecwait);
EXPORT_SYMBOL(delay);

EXPORT_SYMBOL(cv_wait);
EXPORT_SYMBOL(cv_wait_sig);
EXPORT_SYMBOL(cv_timedwait);
EXPORT_SYMBOL(cv_timedwait_sig);
EXPORT_SYMBOL(cv_reltimedwait);
EXPORT_SYMBOL(cv_reltimedwait_sig);
EXPORT_SYMBOL(cv_timedwait_hires);
EXPORT_SYMBOL(cv_timedwait_sig_hires);

EXPORT_SYMBOL(sema_init);
EXPORT_SYMBOL(sema_destroy);
EXPORT_SYMBOL(sema_p);
EXPORT_SYMBOL(sema_p_sig);
EXPORT_SYMBOL(sema_tryp);
EXPORT_SYMBOL(sema_v);

EXPORT_SYMBOL(ddi_dev_nregs);
EXPORT_SYMBOL(ddi_dev_regsize);
EXPORT_SYMBOL(ddi_regs_map_setup);
EXPORT_SYMBOL(ddi_regs_map_free);
EXPORT_SYMBOL(ddi_map_regs);
EXPORT_SYMBOL(ddi_unmap_regs);

#define EXPORT_WIDTH(bits)                   \
	EXPORT_SYMBOL(ddi_get##bits);        \
	EXPORT_SYMBOL(ddi_put##bits);        \
	EXPORT_SYMBOL(ddi_rep_get##bits);    \
	EXPORT_SYMBOL(ddi_rep_put##bits);    \
	EXPORT_SYMBOL(pci_config_get##bits); \
	EXPORT_SYMBOL(pci_config_put##bits)

EXPORT_WIDTH(8);
EXPORT_WIDTH(16);
EXPORT_WIDTH(32);
EXPORT_WIDTH(64);
EXPORT_SYMBOL(pci_config_setup);
EXPORT_SYMBOL(pci_config_teardown);

EXPORT_SYMBOL(ddi_umem_alloc);
EXPORT_SYMBOL(ddi_umem_free);
EXPORT_SYMBOL(ddi_umem_lock);
EXPORT_SYMBOL(ddi_umem_unlock);
EXPORT_SYMBOL(ddi_umem_iosetup);

EXPORT_SYMBOL(list_create);
EXPORT_SYMBOL(list_destroy);
EXPORT_SYMBOL(list_insert_after);
EXPORT_SYMBOL(list_insert_before);
EXPORT_SYMBOL(list_insert_head);
EXPORT_SYMBOL(list_insert_tail);
EXPORT_SYMBOL(list_remove);
EXPORT_SYMBOL(list_remove_head);
EXPORT_SYMBOL(list_remove_tail);
EXPORT_SYMBOL(list_move_tail);
EXPORT_SYMBOL(list_tail);
EXPORT_SYMBOL(list_next);
EXPORT_SYMBOL(list_prev);
EXPORT_SYMBOL(list_is_empty);
EXPORT_SYMBOL(list_link_init);
EXPORT_SYMBOL(list_link_replace);
EXPORT_SYMBOL(list_link_active);
EXPORT_SYMBOL(devmap_list_head);

EXPORT_SYMBOL(avl_create);
EXPORT_SYMBOL(avl_destroy);
EXPORT_SYMBOL(avl_find);
EXPORT_SYMBOL(avl_insert);
EXPORT_SYMBOL(avl_insert_here);
EXPORT_SYMBOL(avl_add);
EXPORT_SYMBOL(avl_remove);
EXPORT_SYMBOL(avl_first);
EXPORT_SYMBOL(avl_last);
EXPORT_SYMBOL(avl_walk);
EXPORT_SYMBOL(avl_nearest);
EXPORT_SYMBOL(avl_update);
EXPORT_SYMBOL(avl_update_lt);
EXPORT_SYMBOL(avl_update_gt);
EXPORT_SYMBOL(avl_numnodes);
EXPORT_SYMBOL(avl_is_empty);
EXPORT_SYMBOL(avl_swap);
EXPORT_SYMBOL(avl_destroy_nodes);

EXPORT_SYMBOL(kmem_cache_create);
EXPORT_SYMBOL(kmem_cache_destroy);
EXPORT_SYMBOL(kmem_cache_alloc);
EXPORT_SYMBOL(kmem_cache_free);
EXPORT_SYMBOL(kmem_cache_reap_now);
EXPORT_SYMBOL(kmem_cache_set_move);

EXPORT_SYMBOL(vmem_create);
EXPORT_SYMBOL(vmem_destroy);
EXPORT_SYMBOL(vmem_alloc);
EXPORT_SYMBOL(vmem_free);
EXPORT_SYMBOL(vmem_xalloc);
EXPORT_SYMBOL(vmem_xfree);
EXPORT_SYMBOL(vmem_add);
EXPORT_SYMBOL(vmem_contains);
EXPORT_SYMBOL(vmem_walk);
EXPORT_SYMBOL(vmem_size);

EXPORT_SYMBOL(id_space_create);
EXPORT_SYMBOL(id_space_destroy);
EXPORT_SYMBOL(id_alloc);
EXPORT_SYMBOL(id_alloc_nosleep);
EXPORT_SYMBOL(id_allocff);
EXPORT_SYMBOL(id_allocff_nosleep);
EXPORT_SYMBOL(id_alloc_specific_nosleep);
EXPORT_SYMBOL(id_free);

EXPORT_SYMBOL(taskq_create);
EXPORT_SYMBOL(taskq_create_instance);
EXPORT_SYMBOL(taskq_destroy);
EXPORT_SYMBOL(taskq_dispatch);
EXPORT_SYMBOL(taskq_wait);
EXPORT_SYMBOL(taskq_suspend);
EXPORT_SYMBOL(taskq_suspended);
EXPORT_SYMBOL(taskq_resume);
EXPORT_SYMBOL(taskq_member);
EXPORT_SYMBOL(nulltask);
EXPORT_SYMBOL(system_taskq);

EXPORT_SYMBOL(ddi_taskq_create);
EXPORT_SYMBOL(ddi_taskq_destroy);
EXPORT_SYMBOL(ddi_taskq_dispatch);
EXPORT_SYMBOL(ddi_taskq_wait);
EXPORT_SYMBOL(ddi_taskq_suspend);
EXPORT_SYMBOL(ddi_taskq_suspended);
EXPORT_SYMBOL(ddi_taskq_resume);

EXPORT_SYMBOL(secpolicy_sys_devices);
EXPORT_SYMBOL(secpolicy_gart_access);
EXPORT_SYMBOL(secpolicy_gart_map);
EXPORT_SYMBOL(secpolicy_hwmanip);
EXPORT_SYMBOL(secpolicy_excl_open);
EXPORT_SYMBOL(secpolicy_error_inject);
EXPORT_SYMBOL(secpolicy_sys_config);
EXPORT_SYMBOL(secpolicy_modctl);
EXPORT_SYMBOL(secpolicy_resource);
EXPORT_SYMBOL(secpolicy_systeminfo);
EXPORT_SYMBOL(secpolicy_console);
EXPORT_SYMBOL(secpolicy_power_mgmt);
EXPORT_SYMBOL(secpolicy_lock_memory);
EXPORT_SYMBOL(secpolicy_settime);
EXPORT_SYMBOL(secpolicy_setpriority);
EXPORT_SYMBOL(secpolicy_proc_access);
EXPORT_SYMBOL(secpolicy_net_rawaccess);
EXPORT_SYMBOL(secpolicy_net_config);
EXPORT_SYMBOL(secpolicy_basic_fork);
EXPORT_SYMBOL(secpolicy_basic_link);
EXPORT_SYMBOL(secpolicy_basic_proc);

EXPORT_SYMBOL(physio);
EXPORT_SYMBOL(minphys);
EXPORT_SYMBOL(maxphys);
EXPORT_SYMBOL(biodone);
EXPORT_SYMBOL(biowait);
EXPORT_SYMBOL(geterror);
EXPORT_SYMBOL(bioerror);
EXPORT_SYMBOL(bioreset);
EXPORT_SYMBOL(bioinit);
EXPORT_SYMBOL(biofini);
EXPORT_SYMBOL(biosize);
EXPORT_SYMBOL(biomodified);
EXPORT_SYMBOL(bioclone);
EXPORT_SYMBOL(getrbuf);
EXPORT_SYMBOL(freerbuf);
EXPORT_SYMBOL(clrbuf);
EXPORT_SYMBOL(disksort);
EXPORT_SYMBOL(bp_mapin);
EXPORT_SYMBOL(bp_mapin_common);
EXPORT_SYMBOL(bp_mapout);
EXPORT_SYMBOL(bp_copyin);
EXPORT_SYMBOL(bp_copyout);

EXPORT_SYMBOL(ddi_fm_init);
EXPORT_SYMBOL(ddi_fm_fini);
EXPORT_SYMBOL(ddi_fm_capable);
EXPORT_SYMBOL(ddi_fm_handler_register);
EXPORT_SYMBOL(ddi_fm_handler_unregister);
EXPORT_SYMBOL(ddi_fm_acc_err_get);
EXPORT_SYMBOL(ddi_fm_dma_err_get);
EXPORT_SYMBOL(ddi_fm_acc_err_clear);
EXPORT_SYMBOL(ddi_fm_dma_err_clear);
EXPORT_SYMBOL(ddi_fm_ereport_post);
EXPORT_SYMBOL(ddi_fm_service_impact);
EXPORT_SYMBOL(ddi_check_acc_handle);
EXPORT_SYMBOL(ddi_check_dma_handle);
EXPORT_SYMBOL(ddi_dev_report_fault);
EXPORT_SYMBOL(ddi_get_devstate);
