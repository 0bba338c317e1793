/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddifm.h: what a driver says of faults, and asks about them. ddi_fm_init(9F), ddi_fm_error(9S).
 * Nobody manages faults here: instances are DDI_FM_NOT_CAPABLE, and look-ups find no error. What a
 * driver reports goes to the log.
 */
#ifndef DEVMAP_SYS_DDIFM_H
#define DEVMAP_SYS_DDIFM_H

#include <sys/types.h>
#include <sys/dditypes.h>
#include <sys/ddidmareq.h>

/* fme_status */
#define DDI_FM_OK	0
#define DDI_FM_FATAL	(-1)
#define DDI_FM_NONFATAL (-2)
#define DDI_FM_UNKNOWN	(-3)

/* capabilities */
#define DDI_FM_NOT_CAPABLE	0x0
#define DDI_FM_EREPORT_CAPABLE	0x1
#define DDI_FM_ACCCHK_CAPABLE	0x2
#define DDI_FM_DMACHK_CAPABLE	0x4
#define DDI_FM_ERRCB_CAPABLE	0x8
#define DDI_FM_DEFAULT_CAP(cap) ((cap) == DDI_FM_NOT_CAPABLE)
#define DDI_FM_EREPORT_CAP(cap) ((cap)&DDI_FM_EREPORT_CAPABLE)
#define DDI_FM_ACC_ERR_CAP(cap) ((cap)&DDI_FM_ACCCHK_CAPABLE)
#define DDI_FM_DMA_ERR_CAP(cap) ((cap)&DDI_FM_DMACHK_CAPABLE)
#define DDI_FM_ERRCB_CAP(cap)	((cap)&DDI_FM_ERRCB_CAPABLE)

/* fme_flag */
#define DDI_FM_ERR_UNEXPECTED 0
#define DDI_FM_ERR_EXPECTED   1
#define DDI_FM_ERR_POKE	      2
#define DDI_FM_ERR_PEEK	      3

#define DDI_FME_VER0	      0
#define DDI_FME_VER1	      1
#define DDI_FME_VERSION	      DDI_FME_VER1

typedef struct ddi_fm_error {
	int fme_version;
	int fme_status;
	int fme_flag;
	uint64_t fme_ena;
	ddi_acc_handle_t fme_acc_handle;
	ddi_dma_handle_t fme_dma_handle;
	void *fme_bus_specific;
	int fme_bus_type;
} ddi_fm_error_t;

typedef int (*ddi_err_func_t)(dev_info_t *dip, ddi_fm_error_t *error, const void *impl_data);

/* impact of ddi_fm_service_impact(9F) */
#define DDI_SERVICE_LOST       (-32)
#define DDI_SERVICE_DEGRADED   (-16)
#define DDI_SERVICE_UNAFFECTED 0
#define DDI_SERVICE_RESTORED   16

/* *fm_cap becomes DDI_FM_NOT_CAPABLE, *ibcp NULL; either may be NULL. */
void ddi_fm_init(dev_info_t *dip, int *fm_cap, ddi_iblock_cookie_t *ibcp);
void ddi_fm_fini(dev_info_t *dip);
int ddi_fm_capable(dev_info_t *dip);
/* handler is never called */
void ddi_fm_handler_register(dev_info_t *dip, ddi_err_func_t handler, void *impl_data);
void ddi_fm_handler_unregister(dev_info_t *dip);
void ddi_fm_acc_err_get(ddi_acc_handle_t handle, ddi_fm_error_t *error, int version);
void ddi_fm_dma_err_get(ddi_dma_handle_t handle, ddi_fm_error_t *error, int version);
void ddi_fm_acc_err_clear(ddi_acc_handle_t handle, int version);
void ddi_fm_dma_err_clear(ddi_dma_handle_t handle, int version);
/* Names, types and values follow, and a NULL; only the class is shown. */
void ddi_fm_ereport_post(dev_info_t *dip, const char *error_class, uint64_t ena, int sflag, ...);
void ddi_fm_service_impact(dev_info_t *dip, int impact);

/* DDI_SUCCESS */
int ddi_check_acc_handle(ddi_acc_handle_t handle);
int ddi_check_dma_handle(ddi_dma_handle_t handle);

typedef int ddi_fault_impact_t; /* DDI_SERVICE_LOST ... */

typedef enum {
	DDI_DATAPATH_FAULT = -32,
	DDI_DEVICE_FAULT = -16,
	DDI_EXTERNAL_FAULT = 0
} ddi_fault_location_t;

typedef enum {
	DDI_DEVSTATE_OFFLINE = -32,
	DDI_DEVSTATE_DOWN = -16,
	DDI_DEVSTATE_QUIESCED = 0,
	DDI_DEVSTATE_DEGRADED = 16,
	DDI_DEVSTATE_UP = 32
} ddi_devstate_t;

void ddi_dev_report_fault(dev_info_t *dip, ddi_fault_impact_t impact, ddi_fault_location_t location,
			  const char *message);
ddi_devstate_t ddi_get_devstate(dev_info_t *dip); /* DDI_DEVSTATE_UP */

#endif /* DEVMAP_SYS_DDIFM_H */
