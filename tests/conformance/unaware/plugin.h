/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef DEVMAP_TESTS_PLUGIN_H
#define DEVMAP_TESTS_PLUGIN_H

int plugin_open(const char *path); /* as open(2), for reading and writing */

#endif
