/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/dditypes.h: handles of the DDI, and how device memory is to be accessed.
 * ddi_device_acc_attr(9S).
 */
#ifndef DEVMAP_SYS_DDITYPES_H
#define DEVMAP_SYS_DDITYPES_H

#include <sys/types.h>

/* Opaque: only the engine looks inside. */
typedef struct dev_info dev_info_t;		 /* one device instance */
typedef struct ddi_acc_handle *ddi_acc_handle_t; /* a register set, mapped */
typedef void *ddi_iblock_cookie_t;		 /* the last argument of mutex_init(9F) */
typedef void *ddi_softintr_t;			 /* ddi_add_softintr(9F) */

typedef union {
	struct {
		ushort_t idev_vector;
		ushort_t idev_priority;
	};
	uint_t idev_softint;
} ddi_idevice_cookie_t;

typedef struct ddi_device_acc_attr {
	ushort_t devacc_attr_version;	  /* DDI_DEVICE_ATTR_V0 or _V1 */
	uchar_t devacc_attr_endian_flags; /* DDI_NEVERSWAP_ACC ... */
	uchar_t devacc_attr_dataorder;	  /* DDI_STRICTORDER_ACC ... */
	uchar_t devacc_attr_access;	  /* DDI_DEFAULT_ACC ...; _V1 only */
} ddi_device_acc_attr_t;

#define DDI_DEVICE_ATTR_V0 0x0001
#define DDI_DEVICE_ATTR_V1 0x0002

/* devacc_attr_endian_flags: in which byte order the device keeps its data */
#define DDI_NEVERSWAP_ACC    0x00
#define DDI_STRUCTURE_LE_ACC 0x01
#define DDI_STRUCTURE_BE_ACC 0x02

/* devacc_attr_dataorder: each allows all that those before it allow */
#define DDI_STRICTORDER_ACC	0x00
#define DDI_UNORDERED_OK_ACC	0x01
#define DDI_MERGING_OK_ACC	0x02
#define DDI_LOADCACHING_OK_ACC	0x03
#define DDI_STORECACHING_OK_ACC 0x04

/* devacc_attr_access */
#define DDI_DEFAULT_ACC	 0x01
#define DDI_FLAGERR_ACC	 0x02
#define DDI_CAUTIOUS_ACC 0x03

#endif /* DEVMAP_SYS_DDITYPES_H */
