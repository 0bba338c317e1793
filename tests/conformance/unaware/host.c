/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A program with a plugin: host PLUGIN DEVICE [deep] says what the plugin's open(2) of the device comes to.
 * deep: the plugin looks for functions among its own libraries first, and so finds libc's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plugin.h"

int main(int argc, char **argv)
{
	void *plugin = argc > 2 ? dlopen(argv[1], argc > 3 ? RTLD_NOW | RTLD_DEEPBIND : RTLD_NOW) :
				  NULL;
	__typeof__(plugin_open) *f = plugin != NULL ? dlsym(plugin, "plugin_open") : NULL;

	if (f == NULL)
		return 2;
	puts(f(argv[2]) >= 0 ? "all is well" : strerror(errno));
	return 0;
}
