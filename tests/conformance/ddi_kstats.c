/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Statistics of drivers, and what `devmap list --json` shows of them. */
#include <stdlib.h>
#include <string.h>

#define FAMILY DDIT_KSTATS
#define FURTHER                                                      \
	{ "X4 what a driver counts is shown, kind by kind", shown }, \
		{ "C26 X4 a ks_update that does not return holds nobody up", stalled },

static void shown(void);
static void stalled(void);
#include "ddi.h"

static void check_value(const char *name, const char *key, const char *must)
{
	char *is = kstat_value("ddit0", name, key);

	if (is == NULL || strcmp(is, must) != 0)
		fail(__FILE__, __LINE__, "%s, %s: %s, not %s", name, key,
		     is != NULL ? is : "nothing", must);
	free(is);
}

static void shown(void)
{
	run(DDIT_kstats_show);
	check_value("named", "module", "\"ddit\"");
	check_value("named", "instance", "0");
	check_value("named", "class", "\"misc\"");
	check_value("named", "type", "\"named\"");
	check_value("named", "stale", "false");
	check_value("named", "data.int", "-7");
	check_value("named", "data.quote\"d", "1099511627776");
	check_value("named", "data.string", "\"a \\\"b\\\"?\"");
	check_value("named", "data.most", "1.8446744070000001e19"); /* beyond JSON's integers */
	check_value("named", "data.char", "\"sixteen letters.\"");
	check_value("intr", "data.spurious", "3");
	check_value("intr", "data.hard", "0");
	check_value("io", "data.nread", "8192");
	check_value("io", "type", "\"io\"");
	check_value("timer", "data.one",
		    "{\"num_events\":0,\"elapsed_time\":0,\"min_time\":0,\"max_time\":0,"
		    "\"start_time\":0,\"stop_time\":0}");
	check_value("raw", "data", "\"1234\"");
	check_value("failing", "data", "null");
	check_value("failing", "error", "13");
	CHECK(kstat_value("ddit0", "unseen", "type") == NULL);
	run(DDIT_kstats_hide);
	CHECK(kstat_value("ddit0", "named", "type") == NULL);
}

static uint64_t updates(void)
{
	char *text = kstat_value("ddit0", "updated", "data.updates");
	const uint64_t n = text != NULL ? strtoull(text, NULL, 10) : 0;

	free(text);
	return n;
}

static void stalled(void)
{
	uint64_t n;

	run(DDIT_kstats_show);
	n = updates();
	CHECK(updates() > n);
	run(DDIT_kstats_stall);
	n = updates();
	check_value("updated", "stale", "true");
	CHECK_EQ(updates(), n);
	check_value("named", "data.int", "-7");
	run(DDIT_kstats_go_on);
	AWAIT(updates() > n);
	check_value("updated", "stale", "false");
	run(DDIT_kstats_hide);
}
