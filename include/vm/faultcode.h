/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm/faultcode.h: what devmap_load(9F) and devmap_unload(9F) return, and devmap_access(9E) may hand
 * on: 0, one of the codes, or an errno wrapped by FC_MAKE_ERR().
 */
#ifndef DEVMAP_VM_FAULTCODE_H
#define DEVMAP_VM_FAULTCODE_H

typedef int faultcode_t;

#define FC_HWERR       0x1 /* the hardware failed */
#define FC_ALIGN       0x2 /* not aligned */
#define FC_OBJERR      0x3 /* an errno comes with it */
#define FC_PROT	       0x4 /* the protection does not allow it */
#define FC_NOMAP       0x5 /* nothing is mapped there */
#define FC_NOSUPPORT   0x6 /* not possible with this mapping */

#define FC_MAKE_ERR(e) ((int)(((unsigned int)(e) << 8) | FC_OBJERR))
#define FC_CODE(fc)    ((fc)&0xff)
#define FC_ERRNO(fc)   ((int)((unsigned int)(fc) >> 8))

#endif /* DEVMAP_VM_FAULTCODE_H */
