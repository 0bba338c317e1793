/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#define FAMILY DDIT_BLOCKS
#include "ddi.h"
