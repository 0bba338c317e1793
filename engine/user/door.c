/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Front doors: see door.h.
 *
 * connect(2) to a socket needs write permission on it, but a device may be readable only. So the
 * socket is writable for whoever may read or write the device, and the exact mode is enforced here,
 * on the credentials the kernel gives for the peer.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "at_dev.h"
#include "door.h"
#include "fuse.h"
#include "nodes.h"
#include "policy.h"
#include "keeper.h"
#include "resume.h"
#include "trace.h"

#include <sys/sunddi.h>

#define BLOCK 512 /* the unit of "nblocks" */

static pthread_mutex_t doors_lock = PTHREAD_MUTEX_INITIALIZER;
static struct door *doors;
static bool doors_held; /* before anybody else is there */

void door_get(struct door *d)
{
	pthread_mutex_lock(&doors_lock);
	d->refs++;
	pthread_mutex_unlock(&doors_lock);
}

void door_put(struct door *d)
{
	bool last;

	pthread_mutex_lock(&doors_lock);
	last = --d->refs == 0;
	pthread_mutex_unlock(&doors_lock);
	if (last) {
		pthread_mutex_destroy(&d->open_lock);
		free(d);
	}
}

/* Bound and listening, or nothing is left of it. 0 or -errno. */
static int door_bind(struct door *d, const struct sockaddr_un *sa)
{
	mode_t connectable = d->mode | (d->mode & 0444) >> 1;
	int error = entrance_socket(&d->entrance, sa, sizeof(*sa));

	if (error != 0)
		return error;
	if (((d->uid == geteuid() && d->gid == getegid()) ||
	     chown(sa->sun_path, d->uid, d->gid) == 0) &&
	    chmod(sa->sun_path, connectable) == 0)
		return 0;
	error = -errno;
	(void)unlink(sa->sun_path);
	return error;
}

/* DIR/NAME, as a mounted file or a link. 0 or -errno. */
static int show_in_dir(struct door *d)
{
	static atomic_bool said;
	const char *wanted = getenv("DEVMAP_FUSE");
	bool sockets = wanted != NULL && strcmp(wanted, "no") == 0;
	int error = sockets ? -ENOTSUP : fuse_mount(d);

	if (error == 0 || error == -EEXIST)
		return error;
	if (!sockets && !atomic_exchange(&said, true))
		log_info("%s: FUSE is not to be had (%s): it can be opened, mapped and given to "
			 "ioctl(2), but not read, written, polled or locked",
			 d->minor.name, strerror(-error));
	return node_link(d->minor.name);
}

static int show_in_dev(const struct door *d)
{
	char path[NODE_PATH_MAX];
	int error = node_path(d->minor.name, path, sizeof(path));

	return error != 0 ? error : at_dev_show(d->minor.name, path);
}

/* DIR/NAME, and /dev/NAME, if it is wanted. 0 or -errno; then nothing is there. */
static int door_show(struct door *d)
{
	const char *name = d->minor.name;
	int error;

	if (!server_options.at_dev)
		return show_in_dir(d);
	error = at_dev_clear(name);
	if (error == -EEXIST)
		log_warn("/dev/%s is there already, and stays", name);
	if (error == 0)
		error = show_in_dir(d);
	if (error != 0)
		return error;
	error = d->mounted != NULL ? show_in_dev(d) : -ENOTSUP;
	if (error != 0) {
		fuse_abandon(d);
		node_remove(name);
	}
	return error;
}

/*
 * The node is shown before its door is there: whoever finds the door finds the node. Who opens the node
 * before waits for the door.
 */
static int door_listen(struct door *d)
{
	struct sockaddr_un sa;
	int lock, dirfd, connection, error;

	/* An engine before us had it, and whoever came meanwhile waits there. */
	if (resume_node(d->minor.name, &d->entrance.source.fd, &connection))
		return connection >= 0 ? fuse_adopt(d, connection) : 0;
	lock = nodes_lock();
	error = node_address(d->minor.name, &sa, &dirfd);
	if (error == 0)
		error = node_clear(d->minor.name, &sa);
	if (error == 0)
		error = door_show(d);
	if (error == 0) {
		error = door_bind(d, &sa);
		if (error != 0) {
			fuse_abandon(d); /* before we look at what nobody answers for */
			node_remove(d->minor.name);
		}
	}
	if (dirfd >= 0)
		close(dirfd);
	nodes_unlock(lock);
	return error;
}

static void answer_status(struct door *d, struct request *rq)
{
	struct dm_reply r;
	char *json = status_json(&d->minor);
	int fd = json ? memfd_create("devmap status", MFD_CLOEXEC) : -1;

	reply_init(&r, 0);
	if (fd < 0 || write(fd, json, strlen(json)) != (ssize_t)strlen(json))
		reply_set_error(&r, -ENOMEM);
	reply_send(rq, &r, NULL, &fd, r.error == 0 ? 1 : 0);
	if (fd >= 0)
		close(fd);
	free(json);
}

/* It tells of everybody's processes: only who could see it anyhow gets it. */
static void answer_trace(struct door *d, struct request *rq)
{
	struct engine_driver drv;
	struct dm_reply r;
	int fd = -EPERM;

	if (policy_trusts(rq->cred.uid))
		fd = trace_ask(engine_driver(d->minor.dev, &drv) == 0 ? drv.name : "?");
	reply_init(&r, fd < 0 ? fd : 0);
	reply_send(rq, &r, NULL, &fd, fd >= 0 ? 1 : 0);
}

static void answer_stop(struct request *rq)
{
	if (!policy_trusts(rq->cred.uid)) {
		reply_error(rq, -EPERM);
		return;
	}
	reply_error(rq, 0);
	(void)kill(getpid(), SIGTERM);
}

static void answer_set(struct door *d, struct request *rq)
{
	static pthread_mutex_t setting = PTHREAD_MUTEX_INITIALIZER; /* one at a time */
	struct devmap_terms t;
	const int64_t value = (int64_t)rq->msg.a[1];
	int error = 0;

	pthread_mutex_lock(&setting);
	t = devmap_get_terms(d->minor.dip);
	switch (rq->msg.a[0]) {
	case DM_TERM_HOLD:
		t.hold = value;
		break;
	case DM_TERM_OVERHEAD:
		t.overhead = value >= -1 && value <= 99 ? (int)value : INT_MIN;
		break;
	case DM_TERM_LOCK:
		t.lock = value;
		break;
	default:
		error = -EINVAL;
	}
	if (!policy_trusts(rq->cred.uid))
		error = -EPERM;
	if (error == 0)
		error = from_ddi(devmap_set_terms(d->minor.dip, &t));
	pthread_mutex_unlock(&setting);
	reply_error(rq, error);
}

/* What the driver says by its properties; 0: nothing. */
static int64_t device_size(dev_t dev)
{
	struct engine_driver drv;
	int size, blocks;

	if (engine_driver(dev, &drv) != 0 || drv.dip == NULL)
		return 0;
	size = ddi_getprop(dev, drv.dip, DDI_PROP_DONTPASS, "size", 0);
	blocks = ddi_getprop(dev, drv.dip, DDI_PROP_DONTPASS, "nblocks", 0);
	return size > 0 ? size : blocks > 0 ? (int64_t)blocks * BLOCK : 0;
}

/* What the node looks like to stat(2). */
void door_info(const struct door *d, struct dm_info *info)
{
	*info = (struct dm_info){ .engine = server_id,
				  .rdev = d->minor.dev,
				  .mode = S_IFCHR | d->mode,
				  .uid = d->uid,
				  .gid = d->gid,
				  .size = device_size(d->minor.dev) };
	snprintf(info->name, sizeof(info->name), "%s", d->minor.name);
}

static void answer_info(struct door *d, struct request *rq)
{
	struct dm_reply r;

	reply_init(&r, 0);
	door_info(d, &r.info);
	reply_send(rq, &r, NULL, NULL, 0);
}

static void answer_open(struct door *d, struct request *rq)
{
	struct dm_reply r;
	int fd = -1, flags = (int)rq->msg.a[0], error;
	struct cred *cred = cred_of_socket(rq->fds[0]);

	reply_init(&r, 0);
	if (cred == NULL)
		error = -ENOMEM;
	else if (!cred_may(cred, d->uid, d->gid, d->mode, flags))
		error = -EACCES;
	else
		error = file_open(d, flags, cred, rq, &fd, &r.info);
	reply_set_error(&r, error);
	r.v[0] = server_id;
	if (fd >= 0) {
		policy_send(rq, &r, cred, fd);
		close(fd);
	} else {
		reply_send(rq, &r, NULL, NULL, 0);
	}
	if (cred != NULL)
		cred_put(cred);
}

/* About an open file, which the visitor names, or shows. */
static void answer_file(struct request *rq)
{
	struct file *f = rq->msg.a[1] != 0 ? file_by_key(rq->msg.a[1]) :
			 rq->nfds > 1	   ? file_by_socket(rq->fds[1]) :
					     NULL;

	if (rq->cred.pid == 0 && rq->msg.op == DM_ATTACH)
		rq->pidfd = wire_peer_pidfd(rq->fds[0]);
	if (f == NULL)
		reply_error(rq, -EBADF);
	else
		file_serve(f, rq);
}

static void door_serve(struct door *d, struct request *rq)
{
	if (rq->msg.version != DM_VERSION) {
		log_client(rq->cred.uid,
			   "%s: process %d speaks protocol version %u, this engine speaks %u",
			   d->minor.name, (int)rq->cred.pid, rq->msg.version, DM_VERSION);
		reply_error(rq, -EPROTONOSUPPORT);
	} else if (rq->msg.op == DM_STATUS) {
		answer_status(d, rq);
	} else if (rq->msg.op == DM_SET) {
		answer_set(d, rq);
	} else if (rq->msg.op == DM_STOP) {
		answer_stop(rq);
	} else if (rq->msg.op == DM_TRACE) {
		answer_trace(d, rq);
	} else if (rq->msg.op == DM_OPEN) {
		answer_open(d, rq);
	} else if (rq->msg.op == DM_INFO && rq->msg.a[1] == 0 && rq->nfds == 1) {
		answer_info(d, rq);
	} else {
		answer_file(rq);
	}
}

static void door_serve_visitor(struct entrance *e, struct request *rq)
{
	door_serve(container_of(e, struct door, entrance), rq);
}

static void get_door(struct entrance *e)
{
	door_get(container_of(e, struct door, entrance));
}

static void put_door(struct entrance *e)
{
	door_put(container_of(e, struct door, entrance));
}

/*
 * The side door, which has no path and asks for no permission: who holds a descriptor may map it, whoever he
 * has become since he opened it, and whatever he sees of the file system.
 */
static void side_serve(struct entrance *e, struct request *rq)
{
	(void)e;
	if (rq->msg.version == DM_VERSION)
		answer_file(rq);
	else
		reply_error(rq, -EPROTONOSUPPORT);
}

static struct entrance side;

int side_door_open(int *fd)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int n = snprintf(sa.sun_path, sizeof(sa.sun_path), DM_SIDE_DOOR,
			 (unsigned long long)server_id);
	int error;

	sa.sun_path[0] = '\0';
	entrance_init(&side, "side door", side_serve);
	if (resume_side_door(&side.source.fd))
		error = 0;
	else
		error = entrance_socket(
			&side, &sa,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n));
	*fd = side.source.fd;
	return error;
}

int side_door_start(void)
{
	return source_add(&side.source);
}

static struct door *door_new(const struct minor_node *m)
{
	struct door *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->minor = *m;
	d->minor.next = NULL;
	d->uid = server_options.owner == (uid_t)-1 ? geteuid() : server_options.owner;
	d->gid = server_options.group == (gid_t)-1 ? getegid() : server_options.group;
	d->mode = server_options.mode ? server_options.mode : m->mode ? m->mode : 0600;
	d->refs = 1;
	pthread_mutex_init(&d->open_lock, NULL);
	entrance_init(&d->entrance, d->minor.name, door_serve_visitor);
	d->entrance.get = get_door;
	d->entrance.put = put_door;
	return d;
}

/* doors_lock held. Where the node's door is in the list, or the list's end. */
static struct door **door_find(const struct minor_node *m)
{
	struct door **p = &doors;

	ASSERT_HELD(&doors_lock);
	while (*p != NULL && ((*p)->minor.dev != m->dev || strcmp((*p)->minor.name, m->name) != 0))
		p = &(*p)->next;
	return p;
}

struct door *door_by_name(const char *name)
{
	struct door *d;

	pthread_mutex_lock(&doors_lock);
	for (d = doors; d != NULL && strcmp(d->minor.name, name) != 0; d = d->next)
		;
	if (d != NULL)
		d->refs++;
	pthread_mutex_unlock(&doors_lock);
	return d;
}

void doors_hold(void)
{
	doors_held = true;
}

/* 0 or -errno; then nobody is served by it. */
static int door_start(struct door *d)
{
	int error = fuse_start(d);

	return error != 0 ? error : source_add(&d->entrance.source);
}

int doors_start(void)
{
	int error = 0;

	if (!doors_held)
		return 0;
	doors_held = false;
	for (struct door *d = doors; d != NULL && error == 0; d = d->next)
		error = door_start(d);
	return error;
}

static bool door_is_open(const struct minor_node *m)
{
	bool open;

	pthread_mutex_lock(&doors_lock);
	open = *door_find(m) != NULL;
	pthread_mutex_unlock(&doors_lock);
	return open;
}

int door_open(struct minor_node *m)
{
	struct door *d;
	int error;

	if (door_is_open(m))
		return 0;
	d = door_new(m);
	error = d ? door_listen(d) : -ENOMEM;
	if (error == 0) {
		keeper_node(d, m->name, d->entrance.source.fd, fuse_connection(d));
		error = doors_held ? 0 : door_start(d);
		if (error != 0) {
			keeper_gone(PARCEL_NODE_END, d);
			node_remove(m->name);
		}
	}
	if (error == 0) {
		pthread_mutex_lock(&doors_lock);
		d->next = doors;
		doors = d;
		pthread_mutex_unlock(&doors_lock);
		return 0;
	}
	if (error == -EADDRINUSE)
		log_warn("%s/%s: already served by another process", server_options.dir, m->name);
	else
		log_warn("%s/%s: cannot serve: %s", server_options.dir, m->name, strerror(-error));
	if (d != NULL) {
		if (d->entrance.source.fd >= 0)
			close(d->entrance.source.fd);
		door_put(d);
	}
	return error;
}

static void door_shut(struct door *d)
{
	keeper_gone(PARCEL_NODE_END, d);
	node_remove(d->minor.name);
	source_remove(&d->entrance.source);
}

void door_close(struct minor_node *m)
{
	struct door *d, **p;

	pthread_mutex_lock(&doors_lock);
	p = door_find(m);
	d = *p;
	if (d != NULL)
		*p = d->next;
	pthread_mutex_unlock(&doors_lock);
	if (d != NULL)
		door_shut(d);
}

void doors_close(void)
{
	struct door *d;

	for (;;) {
		pthread_mutex_lock(&doors_lock);
		d = doors;
		if (d != NULL)
			doors = d->next;
		pthread_mutex_unlock(&doors_lock);
		if (d == NULL)
			return;
		door_shut(d);
	}
}
