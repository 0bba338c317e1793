/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a driver says of faults: sys/ddifm.h. Nobody manages them, so it goes to the log. */
#include <sys/ddifm.h>

#include "ddi.h"
#include "port.h"

void ddi_fm_init(dev_info_t *dip, int *fm_cap, ddi_iblock_cookie_t *ibcp)
{
	(void)dip;
	if (fm_cap != NULL)
		*fm_cap = DDI_FM_NOT_CAPABLE;
	if (ibcp != NULL)
		*ibcp = NULL;
}

void ddi_fm_fini(dev_info_t *dip)
{
	(void)dip;
}

int ddi_fm_capable(dev_info_t *dip)
{
	(void)dip;
	return DDI_FM_NOT_CAPABLE;
}

void ddi_fm_handler_register(dev_info_t *dip, ddi_err_func_t handler, void *impl_data)
{
	(void)dip;
	(void)handler;
	(void)impl_data;
}

void ddi_fm_handler_unregister(dev_info_t *dip)
{
	(void)dip;
}

void ddi_fm_acc_err_get(ddi_acc_handle_t handle, ddi_fm_error_t *error, int version)
{
	*error = (ddi_fm_error_t){ .fme_version = version, .fme_status = DDI_FM_OK };
	error->fme_acc_handle = handle;
}

void ddi_fm_dma_err_get(ddi_dma_handle_t handle, ddi_fm_error_t *error, int version)
{
	*error = (ddi_fm_error_t){ .fme_version = version, .fme_status = DDI_FM_OK };
	error->fme_dma_handle = handle;
}

void ddi_fm_acc_err_clear(ddi_acc_handle_t handle, int version)
{
	(void)handle;
	(void)version;
}

void ddi_fm_dma_err_clear(ddi_dma_handle_t handle, int version)
{
	(void)handle;
	(void)version;
}

void ddi_fm_ereport_post(dev_info_t *dip, const char *error_class, uint64_t ena, int sflag, ...)
{
	(void)ena;
	(void)sflag;
	port_log(PORT_LOG_NOTE, "%s: error report %s", ddi_instance_of(dip)->name, error_class);
}

static const char *impact_word(int impact)
{
	switch (impact) {
	case DDI_SERVICE_LOST:
		return "lost";
	case DDI_SERVICE_DEGRADED:
		return "degraded";
	case DDI_SERVICE_RESTORED:
		return "restored";
	default:
		return "unaffected";
	}
}

void ddi_fm_service_impact(dev_info_t *dip, int impact)
{
	port_log(PORT_LOG_NOTE, "%s: service %s", ddi_instance_of(dip)->name, impact_word(impact));
}

int ddi_check_acc_handle(ddi_acc_handle_t handle)
{
	(void)handle;
	return DDI_SUCCESS;
}

int ddi_check_dma_handle(ddi_dma_handle_t handle)
{
	(void)handle;
	return DDI_SUCCESS;
}

void ddi_dev_report_fault(dev_info_t *dip, ddi_fault_impact_t impact, ddi_fault_location_t location,
			  const char *message)
{
	(void)location;
	port_log(PORT_LOG_WARN, "%s: fault, service %s: %s", ddi_instance_of(dip)->name,
		 impact_word(impact), message != NULL ? message : "");
}

ddi_devstate_t ddi_get_devstate(dev_info_t *dip)
{
	(void)dip;
	return DDI_DEVSTATE_UP;
}
