/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A driver that calls what no engine has. */
#include <sys/modctl.h>

int td_no_such_function(void);

int _init(void)
{
	return td_no_such_function();
}
