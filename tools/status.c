/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the engines say of their devices: each user engine of its own, the kernel engine of all at
 * once. They answer without disturbing their clients, so asking in a loop is safe.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <devmap/ioctl.h>
#include <devmap/protocol.h>

#include "../engine/user/wire.h"
#include "devmap.h"
#include "status.h"

void status_complain(void *arg, const char *dir, const char *name, const char *why)
{
	fprintf(stderr, "devmap: %s: %s%s%s: %s\n", (const char *)arg, dir,
		name[0] != '\0' ? "/" : "", name, why);
}

/* A connection to DIR/NAME, or -errno. */
static int knock(int dirfd, const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 5 };
	int s, error;

	if (snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%s", dirfd, name) >=
	    (int)sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return s;
	error = -errno;
	close(s);
	return error;
}

/* The engine's answer, or NULL with *error set. */
static json_t *ask(int dirfd, const char *name, int *error)
{
	struct dm_request rq = { .magic = DM_MAGIC, .version = DM_VERSION, .op = DM_STATUS };
	struct iovec iov = { .iov_base = &rq, .iov_len = sizeof(rq) };
	struct dm_reply r;
	unsigned nfds = 0;
	json_t *o = NULL;
	FILE *f;
	int fd, s = knock(dirfd, name);

	*error = s < 0 ? s : wire_send(s, &iov, 1, NULL, 0);
	if (*error == 0) {
		ssize_t n = wire_receive(s, &r, sizeof(r), &fd, 1, &nfds, NULL, 0);

		*error = n < 0						      ? (int)n :
			 n != sizeof(r) || r.magic != DM_MAGIC || r.error < 0 ? -EPROTO :
			 r.error					      ? -r.error :
			 nfds != 1					      ? -EPROTO :
										0;
	}
	if (s >= 0)
		close(s);
	if (*error != 0)
		return NULL;
	f = fdopen(fd, "r");
	if (f != NULL) {
		rewind(f);
		o = json_loadf(f, 0, NULL);
		fclose(f);
	}
	if (o == NULL)
		*error = -EPROTO;
	return o;
}

static int only_sockets(const struct dirent *d)
{
	return d->d_type == DT_SOCK && d->d_name[0] == '.';
}

static const char *why(int error)
{
	return error == -ECONNREFUSED ?
		       "its engine is gone; the next devmap serve of this directory takes it away" :
		       strerror(-error);
}

/*
 * Adds the user engine's devices; says which one does not answer. Returns 0, or -errno of the
 * directory: that there is none is not one.
 */
static int add_user_devices(json_t *all, const char *dir, status_say *say, void *arg)
{
	struct dirent **names;
	int dirfd, n = scandir(dir, &names, only_sockets, NULL), error;
	json_t *o;

	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < n; i++) {
		o = ask(dirfd, names[i]->d_name, &error);
		if (o != NULL)
			json_array_append_new(all, o);
		else
			say(arg, dir, names[i]->d_name + 1, why(error));
		free(names[i]);
	}
	free(names);
	if (dirfd >= 0)
		close(dirfd);
	return 0;
}

/* What the kernel engine answers, or NULL with *error set; -ENOENT: there is none. */
static json_t *ask_kernel(int *error)
{
	FILE *f = fopen(DEVMAP_CONTROL, "re");
	json_error_t e;
	json_t *o;

	*error = -errno;
	if (f == NULL)
		return NULL;
	o = json_loadf(f, 0, &e);
	*error = ferror(f) ? -errno : -EPROTO;
	fclose(f);
	if (o != NULL && !json_is_array(o)) {
		json_decref(o);
		o = NULL;
	}
	return o;
}

static void add_kernel_devices(json_t *all, status_say *say, void *arg)
{
	int error;
	json_t *o = ask_kernel(&error);

	if (o != NULL)
		json_array_extend(all, o);
	else if (error != -ENOENT)
		say(arg, DEVMAP_CONTROL, "", strerror(-error));
	json_decref(o);
}

const char *status_text(json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "?";
}

static int by_name(const void *a, const void *b)
{
	json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int order = strcmp(status_text(x, "name"), status_text(y, "name"));

	return order != 0 ? order : strcmp(status_text(x, "engine"), status_text(y, "engine"));
}

/* A new array of the same devices. */
static json_t *sorted(json_t *all)
{
	size_t i, n = json_array_size(all);
	json_t **list = calloc(n + 1, sizeof(*list)), *result = json_array();

	if (list == NULL)
		abort();
	for (i = 0; i < n; i++)
		list[i] = json_array_get(all, i);
	qsort(list, n, sizeof(*list), by_name);
	for (i = 0; i < n; i++)
		json_array_append(result, list[i]);
	free(list);
	return result;
}

json_t *status_collect(const struct device_dirs *dirs, status_say *say, void *arg)
{
	json_t *all = json_array(), *result = NULL;
	int error = 0;

	for (unsigned i = 0; error == 0 && i < dirs->n; i++) {
		error = add_user_devices(all, dirs->dir[i], say, arg);
		if (error != 0)
			say(arg, dirs->dir[i], "", strerror(-error));
	}
	if (error == 0) {
		add_kernel_devices(all, say, arg);
		result = sorted(all);
	}
	json_decref(all);
	return result;
}

long long status_integer(json_t *o, const char *name)
{
	return (long long)json_integer_value(json_object_get(o, name));
}

double status_quantile(json_t *o, const char *times, const char *which)
{
	return json_real_value(json_object_get(json_object_get(o, times), which));
}

bool status_owns(json_t *g, json_t *member)
{
	json_t *owner = json_object_get(g, "owner");
	const long long share = status_integer(owner, "share");

	if (!json_is_object(owner) || status_integer(member, "share") != share)
		return false;
	return share != 0 || status_integer(member, "pid") == status_integer(owner, "pid");
}

void status_owner(json_t *g, char *buf, size_t len)
{
	json_t *owner = json_object_get(g, "owner"), *m;
	const char *command = json_string_value(json_object_get(owner, "command"));
	unsigned others = 0;
	char more[16] = "";
	size_t i;

	json_array_foreach(json_object_get(g, "members"), i, m) others += status_owns(g, m);
	if (others > 1)
		snprintf(more, sizeof(more), "+%u ", others - 1);
	if (json_is_object(owner))
		snprintf(buf, len, "%lld %s%s", status_integer(owner, "pid"), more,
			 command ? command : "");
	else
		snprintf(buf, len, "-");
}
