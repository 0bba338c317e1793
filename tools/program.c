/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What kind of program a file is, as far as the client library depends on it. */
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "devmap.h"

#define SCRIPTS_MAX 4 /* scripts whose interpreters are scripts */

/* An executable file. */
struct image {
	char script[PATH_MAX]; /* its interpreter, or "" */
	bool elf;
	unsigned char
		bits; /* ELFCLASS32 or ELFCLASS64; if not ours, no more than the machine is known */
	uint16_t machine;
	bool alone;	       /* no linker prepares it, and it is none itself */
	char linker[PATH_MAX]; /* or "" */
};

static bool read_at(int fd, void *buf, size_t len, uint64_t off)
{
	return pread(fd, buf, len, (off_t)off) == (ssize_t)len;
}

/* A position-independent program, rather than a library, as the linker itself is. */
static bool is_pie(int fd, const ElfW(Phdr) * dynamic)
{
	ElfW(Dyn) d;

	for (uint64_t at = 0;
	     at + sizeof(d) <= dynamic->p_filesz &&
	     read_at(fd, &d, sizeof(d), dynamic->p_offset + at) && d.d_tag != DT_NULL;
	     at += sizeof(d))
		if (d.d_tag == DT_FLAGS_1)
			return (d.d_un.d_val & DF_1_PIE) != 0;
	return false;
}

static void read_headers(int fd, const ElfW(Ehdr) * head, struct image *im)
{
	bool pie = false;
	ElfW(Phdr) p;

	for (unsigned i = 0; i < head->e_phnum; i++) {
		if (!read_at(fd, &p, sizeof(p), head->e_phoff + i * sizeof(p)))
			return;
		if (p.p_type == PT_DYNAMIC)
			pie = is_pie(fd, &p);
		if (p.p_type == PT_INTERP && p.p_filesz < sizeof(im->linker) &&
		    read_at(fd, im->linker, p.p_filesz, p.p_offset))
			im->linker[p.p_filesz] = '\0';
	}
	im->alone = im->linker[0] == '\0' && (head->e_type == ET_EXEC || pie);
}

/* The first word after #!. */
static void read_script(int fd, struct image *im)
{
	char line[PATH_MAX] = "", *word = line + 2;
	const ssize_t n = pread(fd, line, sizeof(line) - 1, 0);

	if (n < 2 || line[0] != '#' || line[1] != '!')
		return;
	word += strspn(word, " \t");
	word[strcspn(word, " \t\n")] = '\0';
	strcpy(im->script, word);
}

static bool read_image(const char *path, struct image *im)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ElfW(Ehdr) head;

	*im = (struct image){ .elf = false };
	if (fd < 0)
		return false;
	im->elf = read_at(fd, &head, sizeof(head), 0) && memcmp(head.e_ident, ELFMAG, SELFMAG) == 0;
	if (im->elf) {
		im->bits = head.e_ident[EI_CLASS];
		im->machine = head.e_machine;
	}
	if (im->bits == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
		read_headers(fd, &head, im);
	else if (!im->elf)
		read_script(fd, im);
	close(fd);
	return true;
}

/* As execvp(3) finds it. */
static bool find(const char *name, char *path, size_t len)
{
	const char *dir = getenv("PATH");
	struct stat st;
	size_t n;

	if (strchr(name, '/') != NULL)
		return (size_t)snprintf(path, len, "%s", name) < len;
	for (dir = dir != NULL ? dir : "/bin:/usr/bin";; dir += n + 1) {
		n = strcspn(dir, ":");
		if ((size_t)snprintf(path, len, "%.*s%s%s", (int)n, dir, n > 0 ? "/" : "", name) <
			    len &&
		    stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
			return true;
		if (dir[n] == '\0')
			return false;
	}
}

/* Does the kernel give it other rights than its user's? Then the linker takes no library of his. */
static const char *rights(const char *path)
{
	struct statvfs fs;
	struct stat st;
	char value[64];

	if (stat(path, &st) != 0 || statvfs(path, &fs) != 0 || (fs.f_flag & ST_NOSUID) != 0)
		return NULL;
	if ((st.st_mode & S_ISUID) != 0 && st.st_uid != getuid())
		return "is set-user-ID";
	if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st.st_gid != getgid())
		return "is set-group-ID";
	if (getuid() != 0 && getxattr(path, "security.capability", value, sizeof(value)) > 0)
		return "has capabilities";
	return NULL;
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static const char *image_reason(const struct image *im)
{
	struct image self;

	if (!im->elf || !read_image("/proc/self/exe", &self))
		return NULL;
	if (im->bits != self.bits)
		return im->bits == ELFCLASS32 ? "is of 32 bits" : "is of 64 bits";
	if (im->machine != self.machine)
		return "is for another machine";
	if (im->alone)
		return "is static";
	if (im->linker[0] != '\0' && strcmp(base(self.linker), base(im->linker)) != 0)
		return "has another C library";
	return NULL;
}

const char *program_unreachable(const char *name, char *path, unsigned long len)
{
	const char *reason = NULL;
	struct image im;

	if (!find(name, path, len))
		return NULL;
	for (int i = 0; i <= SCRIPTS_MAX && read_image(path, &im); i++) {
		if (im.script[0] == '\0')
			break;
		snprintf(path, len, "%s", im.script);
	}
	reason = rights(path);
	return reason != NULL ? reason : read_image(path, &im) ? image_reason(&im) : NULL;
}
