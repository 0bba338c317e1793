/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which path is which device. /dev/NAME is DIR/NAME, DIR being $DEVMAP_DIR, or else, whichever has
 * it first, $XDG_RUNTIME_DIR/devmap (not for root) and /run/devmap; DEVMAP_ALIAS="fb0=xfb0,..." has
 * /dev/fb0 mean DIR/xfb0. The environment is read once, at start.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define DEFAULT_DIR "/run/devmap"
#define OWN_DIR	    "/devmap" /* below $XDG_RUNTIME_DIR */

static const char *dirs[2] = { DEFAULT_DIR }, *alias = "";
static bool debugging;
bool names_in_dev, names_used;

void names_moved(void)
{
	char cwd[8];

	names_in_dev = raw(SYS_getcwd, cwd, sizeof(cwd)) == sizeof("/dev") &&
		       memcmp(cwd, "/dev", 4) == 0;
}

/* Where devices are. */
static void names_choose(void)
{
	const char *s = secure_getenv("DEVMAP_DIR");
	char *own;

	if (s != NULL && s[0] == '/') {
		own = strdup(s);
		if (own != NULL)
			dirs[0] = own;
		return;
	}
	s = raw(SYS_geteuid) != 0 ? secure_getenv("XDG_RUNTIME_DIR") : NULL;
	if (s == NULL || s[0] != '/' || (own = malloc(strlen(s) + sizeof(OWN_DIR))) == NULL)
		return;
	strcpy(own, s);
	strcat(own, OWN_DIR);
	dirs[0] = own;
	dirs[1] = DEFAULT_DIR;
}

void names_init(void)
{
	const char *s;

	/*
	 * In a set-user-ID program none of these is the user's to choose. The program may change its
	 * environment, so what it gave is copied.
	 */
	names_choose();
	s = secure_getenv("DEVMAP_ALIAS");
	if (s != NULL && (s = strdup(s)) != NULL)
		alias = s;
	s = secure_getenv("DEVMAP_DEBUG");
	debugging = s != NULL && s[0] != '\0' && strcmp(s, "0") != 0;
	s = getenv("PWD"); /* it may be wrong; most who begin in /dev are told so */
	if (s == NULL || strcmp(s, "/dev") == 0)
		names_moved();
}

bool names_in_use(void)
{
	for (unsigned i = 0; names_directory(i) != NULL; i++)
		if (raw(SYS_faccessat, AT_FDCWD, dirs[i], F_OK) == 0)
			return true;
	return false;
}

const char *names_directory(unsigned i)
{
	return i < sizeof(dirs) / sizeof(dirs[0]) ? dirs[i] : NULL;
}

bool names_debug(void)
{
	return debugging;
}

/* One line on stderr, whatever the program has done to stdio. */
void complain(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n = snprintf(line, sizeof(line), "devmap: "), m;

	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	n = m < (int)sizeof(line) - n - 1 ? n + m : (int)sizeof(line) - 2;
	line[n++] = '\n';
	(void)raw(SYS_write, 2, line, (size_t)n);
}

/* The name after "/dev/", or NULL. */
static const char *after_dev(const char *path)
{
	if (path[0] != '/')
		return NULL;
	while (path[1] == '/')
		path++;
	if (strncmp(path, "/dev/", 5) != 0)
		return NULL;
	path += 5;
	while (path[0] == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	return path;
}

/* What the alias list has for name; false if it has nothing. */
static bool aliased(const char *name, size_t len, char out[DM_NAME_MAX])
{
	for (const char *p = alias; *p != '\0'; p += strcspn(p, ","), p += *p == ',') {
		size_t from = strcspn(p, "=,"), to;

		if (from != len || memcmp(p, name, len) != 0 || p[from] != '=')
			continue;
		to = strcspn(p + from + 1, ",");
		if (to == 0 || to >= DM_NAME_MAX)
			return false;
		memcpy(out, p + from + 1, to);
		out[to] = '\0';
		return true;
	}
	return false;
}

bool name_alias(unsigned i, char out[DM_NAME_MAX])
{
	const char *p = alias;
	size_t len;

	for (; i > 0 && *p != '\0'; i--) {
		p += strcspn(p, ",");
		p += *p == ',';
	}
	len = strcspn(p, "=,");
	if (*p == '\0')
		return false;
	snprintf(out, DM_NAME_MAX, "%.*s", (int)len, p);
	return true;
}

/* Every program opens these; they are never ours, and are spared the look. */
static bool everyday(const char *name)
{
	/* clang-format off */
	static const char *const names[] = {
		"null", "zero", "full", "tty", "random", "urandom", "ptmx", "stdin", "stdout",
		"stderr", "console", "log", "shm", "pts", "fd", "kmsg", "userfaultfd",
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Is n->name a device in the directory that n->place says? */
static bool is_there(struct device_name *n)
{
	const char *dir = dirs[n->place];
	struct stat st;
	int m, error;

	m = snprintf(n->path, sizeof(n->path), "%s/%s", dir, n->name);
	if (m >= (int)sizeof(n->path)) {
		debug("%s/%s: too long", dir, n->name);
		return false;
	}
	error = (int)raw(SYS_newfstatat, AT_FDCWD, n->path, &st, 0);
	/*
	 * Mounted where we do not see it, as from a container, or by a user who may not let others in: the
	 * front door is left.
	 */
	if (error == -EACCES ||
	    (error == 0 && S_ISREG(st.st_mode) && !DM_INO_IS(st.st_ino) && st.st_size == 0)) {
		m = snprintf(n->path, sizeof(n->path), "%s/.%s", dir, n->name);
		error = m < (int)sizeof(n->path) ?
				(int)raw(SYS_newfstatat, AT_FDCWD, n->path, &st, 0) :
				-ENAMETOOLONG;
	}
	/* Served, but nobody is there any more: to be found out by whoever opens it. */
	n->served = error == -ENOTCONN ||
		    (error == 0 && S_ISREG(st.st_mode) && DM_INO_IS(st.st_ino));
	if (n->served)
		return true;
	if (error != 0 || !S_ISSOCK(st.st_mode))
		return false;
	n->address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (m >= (int)sizeof(n->address.sun_path)) {
		debug("%s: longer than the address of a socket can be", n->path);
		return false;
	}
	memcpy(n->address.sun_path, n->path, (size_t)m + 1);
	return true;
}

bool name_device(const char *name, struct device_name *n)
{
	size_t len = strlen(name);

	if (len == 0 || len >= DM_NAME_MAX || strchr(name, '/') != NULL)
		return false;
	if (!aliased(name, len, n->name)) {
		if (everyday(name) || name[0] == '.')
			return false;
		memcpy(n->name, name, len + 1);
	}
	for (n->place = 0; names_directory(n->place) != NULL; n->place++)
		if (is_there(n))
			return true;
	return false;
}

/* A relative path as an absolute one, without . and ..; false: it is too long. */
static bool resolve(const char *path, char *out, size_t room)
{
	long len = raw(SYS_getcwd, out, room);

	if (len <= 0)
		return false;
	len = len == 2 ? 0 : len - 1; /* without the slash of the root */
	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (len > 0 && out[--len] != '/')
				;
		} else if (n > 1 || (n == 1 && path[0] != '.')) {
			if ((size_t)len + n + 2 > room)
				return false;
			out[len++] = '/';
			memcpy(out + len, path, n);
			len += (long)n;
		}
		path += n;
		path += strspn(path, "/");
	}
	out[len] = '\0';
	return true;
}

bool name_lookup(const char *path, struct device_name *n)
{
	char whole[512];
	const char *name;

	if (path[0] != '/') {
		if (!resolve(path, whole, sizeof(whole)))
			return false;
		path = whole;
	}
	name = after_dev(path);
	return name != NULL && name_device(name, n);
}

bool name_canonical(const char *path, char out[DM_NAME_MAX + 5])
{
	char whole[512];
	struct device_name n;
	const char *name;

	if (path[0] != '/' && resolve(path, whole, sizeof(whole)))
		path = whole;
	name = after_dev(path);
	if (name == NULL || !name_device(name, &n))
		return false;
	snprintf(out, DM_NAME_MAX + 5, "/dev/%s", name);
	return true;
}

/* Only for a directory that was opened by name: whether it is /dev takes a call to find out. */
bool name_lookup_at(int dirfd, const char *path, struct device_name *n)
{
	char link[32], target[8];
	long len;

	if (path[0] == '/')
		return name_lookup(path, n);
	if (dirfd < 0 || path[0] == '\0' || strchr(path, '/') != NULL)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	len = raw(SYS_readlinkat, AT_FDCWD, link, target, sizeof(target));
	return len == 4 && memcmp(target, "/dev", 4) == 0 && name_device(path, n);
}

/* What a link at path contains, as a path from where path is seen; false: it is none, or too long. */
static bool follow(int dirfd, const char *path, char *out, size_t room)
{
	const char *slash = strrchr(path, '/');
	size_t before = slash != NULL ? (size_t)(slash - path) + 1 : 0;
	char target[256];
	long len = raw(SYS_readlinkat, dirfd, path, target, sizeof(target));

	if (len <= 0 || len == sizeof(target) || before + (size_t)len >= room)
		return false;
	if (target[0] == '/')
		before = 0;
	memcpy(out, path, before);
	memcpy(out + before, target, (size_t)len);
	out[before + (size_t)len] = '\0';
	return true;
}

bool name_linked(int dirfd, const char *path, struct device_name *n)
{
	char a[512], b[512], *from = a, *to = b, *t;
	int before = errno;
	bool found = false;

	if (!names_used || path == NULL || path[0] == '\0' || strlen(path) >= sizeof(a))
		return false;
	strcpy(from, path);
	for (int hops = 0; hops < 8 && !found && follow(dirfd, from, to, sizeof(a)); hops++) {
		if (to[0] == '/')
			dirfd = AT_FDCWD;
		if (dirfd == AT_FDCWD)
			found = name_lookup(to, n);
		t = from;
		from = to;
		to = t;
	}
	errno = before;
	return found;
}
