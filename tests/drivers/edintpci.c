/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* solaris/edint.c for the device itself: what driver_aliases would say on Solaris. */
#include "solaris/edint.c"

DEVMAP_PCI_ALIAS(1234, 11E8);
