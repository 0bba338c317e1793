/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * devmap new: a directory with a driver that builds, runs and passes its test, to begin from.
 *
 * Its files are made of templates, PREFIX/share/devmap/new. There @name@ is the driver's name, and so
 * on: see struct words. A line that begins with @memory, @regs or @pci, and a blank, is only for drivers
 * with memory of their own, with registers, or with registers of a PCI device.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devmap.h"

static const char help[] =
	"usage: devmap new [--model] [--pci VVVV:DDDD] NAME\n"
	"Makes a directory NAME with a driver, a program and a Makefile: `make check` there runs them.\n"
	"  --model          a device with registers, and a model of it; else it is a page of memory\n"
	"  --pci VVVV:DDDD  the same for the PCI function with this vendor and device\n";

#define NAME_LONGEST 24 /* characters; there are functions that begin with it */

struct words {
	const char *name;
	char upper[NAME_LONGEST + 1];
	char vendor[5], device[5];
	bool regs, pci;
};

/*
 * Templates.
 */

/* What @WORD@ at text stands for, and its length there; NULL: it is only text. */
static const char *value_of(const struct words *w, const char *text, size_t *len)
{
	const struct {
		const char *word, *value;
	} table[] = {
		{ "@name@", w->name },
		{ "@NAME@", w->upper },
		{ "@VENDOR@", w->vendor },
		{ "@DEVICE@", w->device },
		{ "@SET@", w->pci ? "1" : "0" },
		{ "@WHAT@", w->pci ? "of BAR 0" : "with registers" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		*len = strlen(table[i].word);
		if (strncmp(text, table[i].word, *len) == 0)
			return table[i].value;
	}
	return NULL;
}

/* The line without the mark of whom it is for; NULL: not for this one. */
static const char *meant_for(const struct words *w, const char *line)
{
	const struct {
		const char *mark;
		bool meant;
	} table[] = {
		{ "@memory ", !w->regs },
		{ "@regs ", w->regs },
		{ "@pci ", w->pci },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strncmp(line, table[i].mark, strlen(table[i].mark)) == 0)
			return table[i].meant ? line + strlen(table[i].mark) : NULL;
	return line;
}

static void put_line(const struct words *w, const char *line, FILE *out)
{
	const char *value;
	size_t len;

	while (*line != '\0') {
		value = value_of(w, line, &len);
		if (value != NULL) {
			fputs(value, out);
			line += len;
		} else {
			putc(*line++, out);
		}
	}
}

/* Fills in a template. later: another one stands before it in the file. 0 or -errno, said. */
static int fill(const struct words *w, const char *template, bool later, FILE *out)
{
	char relative[64], path[PATH_MAX], line[256];
	const char *text;
	FILE *in = NULL;
	int error;

	snprintf(relative, sizeof(relative), "share/devmap/new/%s.in", template);
	error = installed(relative, path, sizeof(path));
	if (error == 0)
		in = fopen(path, "re");
	if (in == NULL) {
		error = error != 0 ? error : -errno;
		fprintf(stderr, "devmap: new: %s: %s\n", relative, strerror(-error));
		return error;
	}
	if (later) /* its licence has been told */
		(void)!fgets(line, sizeof(line), in);
	while (fgets(line, sizeof(line), in) != NULL) {
		text = meant_for(w, line);
		if (text != NULL)
			put_line(w, text, out);
	}
	error = ferror(in) ? -EIO : 0;
	fclose(in);
	return error;
}

/*
 * Files.
 */

/* NAME/FILE of one template or two. 0 or -errno, said. */
static int make_file(const struct words *w, const char *file, const char *first, const char *second)
{
	char path[PATH_MAX];
	int error;
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", w->name, file);
	out = fopen(path, "wxe");
	if (out == NULL) {
		error = -errno;
		fprintf(stderr, "devmap: new: %s: %s\n", path, strerror(-error));
		return error;
	}
	error = fill(w, first, false, out);
	if (error == 0 && second != NULL)
		error = fill(w, second, true, out);
	if (fclose(out) != 0 && error == 0) {
		error = -errno;
		fprintf(stderr, "devmap: new: %s: %s\n", path, strerror(-error));
	}
	if (error == 0)
		puts(path);
	return error;
}

static int make_files(const struct words *w)
{
	const struct {
		const char *suffix, *first, *second;
		bool wanted;
	} files[] = {
		{ ".c", w->regs ? "registers.c" : "memory.c", "driver.c", true },
		{ ".h", "registers.h", NULL, w->regs },
		{ "hw.c", "model.c", NULL, w->regs },
		{ "-client.c", "client.c", NULL, true },
	};
	char file[NAME_LONGEST + 16];
	int error = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && error == 0; i++) {
		if (!files[i].wanted)
			continue;
		snprintf(file, sizeof(file), "%s%s", w->name, files[i].suffix);
		error = make_file(w, file, files[i].first, files[i].second);
	}
	if (error == 0)
		error = make_file(w, "Makefile", "Makefile", NULL);
	return error == 0 ? make_file(w, "Kbuild", "Kbuild", NULL) : error;
}

/*
 * Options.
 */

/* It is in the names of functions and files, and device 0 is NAME0. */
static bool is_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_LONGEST || name[0] < 'a' || name[0] > 'z' ||
	    isdigit((unsigned char)name[len - 1]))
		return false;
	for (; *name != '\0'; name++)
		if ((*name < 'a' || *name > 'z') && !isdigit((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

static bool take_pci(struct words *w, const char *arg)
{
	w->regs = w->pci = true;
	if (strlen(arg) != 9 || arg[4] != ':')
		return false;
	for (int i = 0; i < 4; i++) {
		if (!isxdigit((unsigned char)arg[i]) || !isxdigit((unsigned char)arg[5 + i]))
			return false;
		w->vendor[i] = (char)toupper((unsigned char)arg[i]);
		w->device[i] = (char)toupper((unsigned char)arg[5 + i]);
	}
	return true;
}

/* 0, or an exit status; *end: there is nothing more to do. */
static int take_options(struct words *w, int argc, char **argv, bool *end)
{
	static const struct option options[] = {
		{ "model", no_argument, NULL, 'm' },
		{ "pci", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		*end = opt == 'h';
		if (opt == 'm') {
			w->regs = true;
		} else if (opt != 'p') {
			fputs(help, opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : 2;
		} else if (!take_pci(w, optarg)) {
			fprintf(stderr, "devmap: new: --pci: '%s' is not VVVV:DDDD\n", optarg);
			return 2;
		}
	}
	if (optind + 1 != argc) {
		fputs(help, stderr);
		return 2;
	}
	w->name = argv[optind];
	if (is_name(w->name))
		return 0;
	fprintf(stderr,
		"devmap: new: '%s': a name has at most %d of a to z, 0 to 9 and _, begins with a letter "
		"and does not end with a digit\n",
		w->name, NAME_LONGEST);
	return 2;
}

int cmd_new(int argc, char **argv)
{
	struct words w = { .name = NULL };
	bool end = false;
	int status = take_options(&w, argc, argv, &end);

	if (status != 0 || end)
		return status;
	for (size_t i = 0; w.name[i] != '\0'; i++)
		w.upper[i] = (char)toupper((unsigned char)w.name[i]);
	if (mkdir(w.name, 0777) != 0) {
		fprintf(stderr, "devmap: new: %s: %s\n", w.name, strerror(errno));
		return 1;
	}
	if (make_files(&w) != 0)
		return 1;
	printf("Now: make -C %s check\n", w.name);
	return fflush(stdout) == 0 ? 0 : 1;
}
