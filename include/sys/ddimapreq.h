/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddimapreq.h: what a bus says of a mapping that it cannot make. Of ddi_regs_map_setup(9F) there is
 * only DDI_FAILURE here, which drivers look for too.
 */
#ifndef DEVMAP_SYS_DDIMAPREQ_H
#define DEVMAP_SYS_DDIMAPREQ_H

#define DDI_ME_GENERIC	      (-1)
#define DDI_ME_UNIMPLEMENTED  (-2)
#define DDI_ME_NORESOURCES    (-3)
#define DDI_ME_UNSUPPORTED    (-4)
#define DDI_ME_REGSPEC_RANGE  (-5)
#define DDI_ME_RNUMBER_RANGE  (-6)
#define DDI_ME_INVAL	      (-7)
#define DDI_REGS_ACC_CONFLICT (-10)

#endif /* DEVMAP_SYS_DDIMAPREQ_H */
