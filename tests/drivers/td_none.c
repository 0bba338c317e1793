/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A shared object that is no driver. */
int td_none;
