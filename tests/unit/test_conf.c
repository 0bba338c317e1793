/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* driver.conf(5), and what is said of a file that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "fake_pages.h"

static char path[] = "/tmp/devmap-conf.XXXXXX";

/* What conf_read() says of a file with this text. */
static int read_text(const char *text, struct conf *conf)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	return conf_read(path, conf);
}

static void check_int(const struct prop *props, const char *name, int value)
{
	const struct prop *p = props_find(props, name);

	assert_non_null(p);
	assert_int_equal(p->kind, PROP_TEXT);
	assert_true(p->is_int);
	assert_int_equal(p->integer, value);
}

static void check_string(const struct prop *props, const char *name, const char *value)
{
	const struct prop *p = props_find(props, name);

	assert_non_null(p);
	assert_int_equal(p->kind, PROP_TEXT);
	assert_false(p->is_int);
	assert_string_equal(p->text, value);
}

static void check_bytes(const struct prop *props, const char *name, enum prop_kind kind,
			const void *bytes, size_t len)
{
	const struct prop *p = props_find(props, name);

	assert_non_null(p);
	assert_int_equal(p->kind, kind);
	assert_int_equal(p->len, len);
	assert_memory_equal(p->bytes, bytes, len);
}

static void reads_values(void **state)
{
	const int ints[] = { 1, -2, 0x30 };
	struct conf conf;

	(void)state;
	assert_int_equal(read_text("# all of them\n"
				   "one=17 hex=0xffffffff # and so on\n"
				   "  text = \"a \\\"b\\\" # c\",\n"
				   "\"second;\" ints=1,-2 , 0x30 digits=\"42\"\n"
				   "so.it-is;;one=18;",
				   &conf),
			 0);
	assert_null(conf.nodes);
	check_int(conf.props, "one", 18);
	check_int(conf.props, "hex", -1);
	check_bytes(conf.props, "text", PROP_STRINGS, "a \"b\" # c\0second;", 18);
	check_bytes(conf.props, "ints", PROP_INTS, ints, sizeof(ints));
	check_string(conf.props, "digits", "42");
	check_bytes(conf.props, "so.it-is", PROP_RAW, "", 0);
	conf_free(&conf);
	assert_null(conf.props);
}

static void reads_instances(void **state)
{
	const struct conf_node *n;
	struct conf conf;

	(void)state;
	assert_int_equal(read_text("name=\"mine\" parent=\"pseudo\" instance=3 width=640;\n"
				   "depth=32;\n"
				   "name=\"mine\" class=\"pci\"\n\twidth=800;\n",
				   &conf),
			 0);
	check_int(conf.props, "depth", 32);
	n = conf.nodes;
	assert_non_null(n);
	assert_int_equal(n->instance, 3);
	assert_int_equal(n->line, 1);
	check_int(n->props, "width", 640);
	assert_null(props_find(n->props, "name"));
	assert_null(props_find(n->props, "parent"));
	assert_null(props_find(n->props, "instance"));
	n = n->next;
	assert_non_null(n);
	assert_int_equal(n->instance, -1);
	assert_int_equal(n->line, 3);
	check_int(n->props, "width", 800);
	assert_null(n->next);
	conf_free(&conf);
	assert_int_equal(read_text("", &conf), 0);
	assert_int_equal(read_text("# nothing\n", &conf), 0);
}

static void says_what_is_wrong(void **state)
{
	const struct {
		const char *text;
		int line;
		const char *says;
	} wrong[] = {
		{ "one=1;\n\ntwo=2\nthree=3\n", 3, "the entry that begins here has no ';'" },
		{ "one=;", 1, "a number or a \"string\" is missing" },
		{ "one=1,;", 1, "a number or a \"string\" is missing" },
		{ "\none=\"no end;\n", 2, "a string has no end" },
		{ "one=1,\"two\";", 1, "numbers and strings in one value" },
		{ "one=08;", 1, "'08' is neither a number" },
		{ "one=4294967296;", 1, "is neither a number" },
		{ "one=yes;", 1, "'yes' is neither a number" },
		{ "a@b=1;", 1, "'a@b' is no name" },
		{ "1=1;", 1, "'1' is no name" },
		{ "=1;", 1, "the name of a property is missing" },
		{ "\"one\"=1;", 1, "the name of a property is missing" },
		{ "one=1\n one=2;", 2, "one is given twice" },
		{ "name=mine;", 1, "'mine' is neither" },
		{ "name=1;", 1, "name: one \"string\" is wanted" },
		{ "name=\"a\",\"b\";", 1, "name: one \"string\" is wanted" },
		{ "name=\"a\" instance=\"b\";", 1, "instance: one number is wanted" },
		{ "name=\"a\" instance=-1;", 1, "instance=-1: a number below" },
		{ "name=\"a\" instance=1;\nname=\"b\"\ninstance=1;", 2,
		  "instance=1 is that of line 1" },
	};
	char begin[64];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct conf conf;
		const char *said;

		log_capture();
		assert_int_equal(read_text(wrong[i].text, &conf), -EINVAL);
		said = log_captured();
		(void)snprintf(begin, sizeof(begin), "%s:%d: ", path, wrong[i].line);
		if (strstr(said, begin) == NULL || strstr(said, wrong[i].says) == NULL)
			fail_msg("\"%s\": said \"%s\"", wrong[i].text, said);
		assert_null(conf.props);
		assert_null(conf.nodes);
	}
}

static void says_what_cannot_be_read(void **state)
{
	struct conf conf;
	FILE *f;

	(void)state;
	log_capture();
	assert_int_equal(conf_read("/nowhere/at/all", &conf), -ENOENT);
	assert_non_null(strstr(log_captured(), "/nowhere/at/all: No such file"));
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite("a=1;\0b=2;", 1, 9, f), 9);
	assert_int_equal(fclose(f), 0);
	log_capture();
	assert_int_equal(conf_read(path, &conf), -EINVAL);
	assert_non_null(strstr(log_captured(), "it is not text"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_values),
		cmocka_unit_test(reads_instances),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(says_what_cannot_be_read),
	};
	const int fd = mkstemp(path);
	int failed;

	if (fd < 0)
		return 1;
	(void)close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	return failed;
}
