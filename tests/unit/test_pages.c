/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Regions and windows against real client processes. Run without arguments this program is the
 * tests (one of them with its name; all that need no privilege with "ordinary"); as "client FD" it
 * is a client: it does what it is told through a socket, and its accesses to its window block until
 * this side serves them, as those of any program would.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fs.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "model.h"
#include "pages_impl.h"
#include "uffd_compat.h"

#define P	 ((size_t)PAGESIZE)
#define ORDINARY 65534

/* Sanitizers and slow machines get less to do. */
static unsigned long switches = 20000;
static unsigned seconds_ms = 400;
#define PATIENCE_NS 200000000000U /* with what must happen, on however busy a machine */
static bool ordinary_run;

/* ---- the client ---- */

enum op {
	OP_UFFD,      /* a: 1 with kernel-mode faults; answers with a descriptor */
	OP_MAP,	      /* a: length, b: protection, c: offset, d: address or 0; a memfd */
	OP_UNMAP,     /* a: address, b: length */
	OP_GET,	      /* a: address */
	OP_PUT,	      /* a: address, b: value */
	OP_START,     /* a: address, b: threads, c: pages, d: naps: writers */
	OP_STOP,      /* answers how many values were lost, b: increments */
	OP_ADVISE,    /* a: address, b: length, c: advice */
	OP_FALLOCATE, /* a: mode, b: offset, c: length */
	OP_SEAL,      /* a: seals */
	OP_TRUNCATE,  /* a: length */
	OP_IMMUTABLE, /* a: 1 or 0 */
	OP_PWRITE,    /* a: offset, b: value, c: bytes: fills the file, unmapped */
	OP_SYSREAD,   /* a: address: has the kernel store there; answers errno */
	OP_CATCH,     /* a: address: reads; answers the signal, or 0, and si_addr */
	OP_CHURN,     /* a: address, b: length: unmaps and maps it for b ms in c */
	OP_EXIT,
};

struct request {
	enum op op;
	uint64_t arg[4]; /* a, b, c, d above */
};

struct answer {
	int64_t rc;
	uint64_t value;
};

#define WRITERS_MAX 8

struct writer {
	pthread_t thread;
	volatile uint64_t *word;
	size_t step; /* words from page to page */
	unsigned pages;
	bool naps; /* lets others run before its time slice ends */
	uint64_t lost, count;
	uint64_t expect[16];
};

static void pause_us(long us)
{
	struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	(void)nanosleep(&t, NULL);
}

static atomic_bool writers_stop;

static void *writer_run(void *arg)
{
	struct writer *w = arg;

	while (!atomic_load_explicit(&writers_stop, memory_order_relaxed)) {
		for (unsigned p = 0; p < w->pages; p++) {
			volatile uint64_t *word = w->word + p * w->step;
			uint64_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);

			if (seen != w->expect[p])
				w->lost++;
			w->expect[p] = seen + 1;
			__atomic_store_n(word, seen + 1, __ATOMIC_RELAXED);
			w->count++;
		}
		if (w->naps && w->count % 512 == 0)
			pause_us(10);
	}
	return NULL;
}

static struct {
	int sock, file;
	int prot;
	struct writer writers[WRITERS_MAX];
	unsigned nwriters;
} me = { .file = -1 };

static int send_fd(int sock, const void *buf, size_t len, int fd)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = len };
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		memset(&c, 0, sizeof(c));
		msg.msg_control = &c;
		msg.msg_controllen = sizeof(c);
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		c.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}

static int recv_fd(int sock, void *buf, size_t len, int *fd)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)
	};

	*fd = -1;
	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != (ssize_t)len)
		return -1;
	if (CMSG_FIRSTHDR(&msg) != NULL)
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(*fd));
	return 0;
}

static sigjmp_buf caught;
static volatile uintptr_t caught_address;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	caught_address = (uintptr_t)info->si_addr;
	siglongjmp(caught, sig);
}

static int64_t client_catch(uintptr_t addr, uint64_t *at)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO }, old;
	int sig;

	sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGBUS, &sa, &old);
	sig = sigsetjmp(caught, 1);
	if (sig == 0)
		*at = *(volatile uint64_t *)addr;
	else
		*at = caught_address;
	(void)sigaction(SIGBUS, &old, NULL);
	return sig;
}

static int64_t client_sysread(uintptr_t addr)
{
	int fds[2];
	int64_t rc;

	if (pipe(fds) != 0 || write(fds[1], "12345678", 8) != 8)
		return -1;
	rc = read(fds[0], (void *)addr, 8) == 8 ? 0 : errno;
	close(fds[0]);
	close(fds[1]);
	return rc;
}

static void client_start(const struct request *q)
{
	atomic_store(&writers_stop, false);
	me.nwriters = (unsigned)q->arg[1];
	for (unsigned i = 0; i < me.nwriters; i++) {
		me.writers[i] = (struct writer){ .word = (volatile uint64_t *)q->arg[0] + i,
						 .step = P / 8,
						 .pages = (unsigned)q->arg[2],
						 .naps = q->arg[3] != 0 };
		(void)pthread_create(&me.writers[i].thread, NULL, writer_run, &me.writers[i]);
	}
}

static struct answer client_stop(void)
{
	struct answer a = { 0 };

	atomic_store(&writers_stop, true);
	for (unsigned i = 0; i < me.nwriters; i++) {
		(void)pthread_join(me.writers[i].thread, NULL);
		a.rc += (int64_t)me.writers[i].lost;
		a.value += me.writers[i].count;
	}
	return a;
}

static int client_immutable(bool on)
{
	int flags = 0;

	if (ioctl(me.file, FS_IOC_GETFLAGS, &flags) != 0)
		return -1;
	flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	return ioctl(me.file, FS_IOC_SETFLAGS, &flags);
}

static int client_pwrite(off_t off, uint64_t value, size_t len)
{
	char buf[256];

	memset(buf, (int)value, sizeof(buf));
	for (size_t done = 0; done < len; done += sizeof(buf))
		if (pwrite(me.file, buf, MIN(sizeof(buf), len - done), off + (off_t)done) < 0)
			return -1;
	return 0;
}

static void client_churn(uintptr_t addr, size_t len, uint64_t ms)
{
	uint64_t end = pages_now() + ms * 1000000;

	while (pages_now() < end) {
		(void)munmap((void *)addr, len);
		(void)mmap((void *)addr, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			   me.file, 0);
	}
}

static int64_t client_map(const struct request *q, int fd)
{
	void *p;

	if (fd >= 0) {
		if (me.file >= 0)
			close(me.file);
		me.file = fd;
	}
	p = mmap((void *)q->arg[3], q->arg[0], (int)q->arg[1],
		 MAP_SHARED | (q->arg[3] != 0 ? MAP_FIXED : 0), me.file, (off_t)q->arg[2]);
	return p == MAP_FAILED ? -1 : (int64_t)(uintptr_t)p;
}

static struct answer client_do(const struct request *q, int fd, int *fd_out)
{
	struct answer a = { 0 };

	errno = 0;
	switch (q->op) {
	case OP_UFFD:
		*fd_out = (int)syscall(SYS_userfaultfd,
				       O_CLOEXEC | O_NONBLOCK |
					       (q->arg[0] ? 0 : UFFD_USER_MODE_ONLY));
		a.rc = *fd_out;
		break;
	case OP_MAP:
		a.rc = client_map(q, fd);
		break;
	case OP_UNMAP:
		a.rc = munmap((void *)q->arg[0], q->arg[1]);
		break;
	case OP_GET:
		a.value = __atomic_load_n((uint64_t *)q->arg[0], __ATOMIC_RELAXED);
		break;
	case OP_PUT:
		__atomic_store_n((uint64_t *)q->arg[0], q->arg[1], __ATOMIC_RELAXED);
		break;
	case OP_START:
		client_start(q);
		break;
	case OP_STOP:
		return client_stop();
	case OP_ADVISE:
		a.rc = madvise((void *)q->arg[0], q->arg[1], (int)q->arg[2]);
		break;
	case OP_FALLOCATE:
		a.rc = fallocate(me.file, (int)q->arg[0], (off_t)q->arg[1], (off_t)q->arg[2]);
		break;
	case OP_SEAL:
		a.rc = fcntl(me.file, F_ADD_SEALS, (int)q->arg[0]);
		break;
	case OP_TRUNCATE:
		a.rc = ftruncate(me.file, (off_t)q->arg[0]);
		break;
	case OP_IMMUTABLE:
		a.rc = client_immutable(q->arg[0] != 0);
		break;
	case OP_PWRITE:
		a.rc = client_pwrite((off_t)q->arg[0], q->arg[1], q->arg[2]);
		break;
	case OP_SYSREAD:
		a.rc = client_sysread(q->arg[0]);
		break;
	case OP_CATCH:
		a.rc = client_catch(q->arg[0], &a.value);
		break;
	case OP_CHURN:
		client_churn(q->arg[0], q->arg[1], q->arg[2]);
		break;
	default:
		break;
	}
	if (a.rc == -1)
		a.value = (uint64_t)errno;
	return a;
}

static int client_main(int sock)
{
	struct request q;
	int fd;

	while (recv_fd(sock, &q, sizeof(q), &fd) == 0 && q.op != OP_EXIT) {
		int fd_out = -1;
		struct answer a = client_do(&q, fd, &fd_out);

		if (send_fd(sock, &a, sizeof(a), fd_out) != 0)
			break;
		if (fd_out >= 0)
			close(fd_out);
	}
	_exit(0);
}

/* ---- this side of a client ---- */

struct client {
	pid_t pid;
	int sock;
	struct client_uffd uffd;
	pthread_t server;
	int stop;	      /* eventfd */
	pthread_mutex_t lock; /* the arbiter: its holder decides where pages are */
	/* What is served: guarded by lock. */
	struct window *window;
	uintptr_t addr;
	size_t len;
	bool refuse; /* faults are left alone */
	atomic_int last_error;
	atomic_ulong faults;
};

/* Loads the page that was touched. c->lock is held. */
static void serve(struct client *c, uintptr_t addr)
{
	uintptr_t page = addr & ~(uintptr_t)PAGEOFFSET;

	atomic_fetch_add(&c->faults, 1);
	if (c->refuse || c->window == NULL || page - c->addr >= c->len)
		return;
	c->last_error = window_load(c->window, page, (page - c->addr) >> PAGESHIFT, 1);
	client_uffd_wake(&c->uffd, page, P);
}

static void *server_run(void *arg)
{
	struct client *c = arg;
	struct pollfd fds[2] = { { .fd = c->uffd.fd, .events = POLLIN },
				 { .fd = c->stop, .events = POLLIN } };
	struct uffd_msg msg;

	for (;;) {
		(void)poll(fds, 2, -1);
		if (fds[1].revents != 0)
			return NULL;
		while (read(c->uffd.fd, &msg, sizeof(msg)) == (ssize_t)sizeof(msg)) {
			pthread_mutex_lock(&c->lock);
			serve(c, (uintptr_t)msg.arg.pagefault.address);
			pthread_mutex_unlock(&c->lock);
		}
	}
}

static void tell(struct client *c, struct request q, int fd)
{
	assert_int_equal(send_fd(c->sock, &q, sizeof(q), fd), 0);
}

static struct answer hear(struct client *c, int *fd)
{
	struct answer a;
	int none;

	assert_int_equal(recv_fd(c->sock, &a, sizeof(a), fd != NULL ? fd : &none), 0);
	return a;
}

#define REQUEST(o, ...) ((struct request){ .op = (o), .arg = { __VA_ARGS__ } })
#define ASK(c, ...)	(tell((c), REQUEST(__VA_ARGS__), -1), hear((c), NULL))

static struct client *client_new_with(bool kernel_faults)
{
	struct client *c = calloc(1, sizeof(*c));
	char number[16];
	int sv[2], fd;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	(void)snprintf(number, sizeof(number), "%d", sv[1]);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		(void)fcntl(sv[1], F_SETFD, 0);
		(void)execl("/proc/self/exe", "test_pages", "client", number, NULL);
		_exit(127);
	}
	close(sv[1]);
	c->sock = sv[0];
	pthread_mutex_init(&c->lock, NULL);
	tell(c, REQUEST(OP_UFFD, kernel_faults), -1);
	(void)hear(c, &fd);
	assert_true(fd >= 0);
	assert_int_equal(client_uffd_init(&c->uffd, fd), 0);
	c->stop = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pthread_create(&c->server, NULL, server_run, c), 0);
	return c;
}

static struct client *client_new(void)
{
	return client_new_with(false);
}

/* Gives the client the window, of all of r, registered and served. */
static void client_show(struct client *c, struct region *r, struct window *w)
{
	struct answer a;

	tell(c, REQUEST(OP_MAP, region_len(r), PROT_READ | PROT_WRITE), window_fd(w));
	a = hear(c, NULL);
	assert_true(a.rc > 0);
	assert_int_equal(window_register(w, (uintptr_t)a.rc, 0, region_len(r)), 0);
	pthread_mutex_lock(&c->lock);
	c->addr = (uintptr_t)a.rc;
	c->len = region_len(r);
	c->window = w;
	pthread_mutex_unlock(&c->lock);
}

static void client_open(struct client *c, struct region *r, bool writable)
{
	struct window *w;

	assert_int_equal(window_create(r, &c->uffd, writable, &w), 0);
	client_show(c, r, w);
}

static void client_join(struct client *c, struct region *r, struct window *common)
{
	struct window *w;

	assert_int_equal(window_join(common, &c->uffd, &w), 0);
	client_show(c, r, w);
}

static void client_close(struct client *c)
{
	struct window *w;

	pthread_mutex_lock(&c->lock);
	w = c->window;
	c->window = NULL;
	pthread_mutex_unlock(&c->lock);
	if (w != NULL)
		window_close(w);
}

static void client_free(struct client *c)
{
	uint64_t one = 1;

	client_close(c);
	(void)kill(c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, 0);
	assert_int_equal(write(c->stop, &one, sizeof(one)), sizeof(one));
	(void)pthread_join(c->server, NULL);
	close(c->stop);
	close(c->sock);
	client_uffd_fini(&c->uffd);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static uint64_t client_get(struct client *c, size_t off)
{
	return ASK(c, OP_GET, c->addr + off).value;
}

static void client_put(struct client *c, size_t off, uint64_t value)
{
	(void)ASK(c, OP_PUT, c->addr + off, value);
}

static struct region *new_region(size_t pages)
{
	struct region *r;

	assert_int_equal(region_create("test", pages * P, &r), 0);
	return r;
}

/* Messages are not for the screen: they go to a file meanwhile, and are looked through. */
static int real_stderr = -1, messages = -1;

static void expect_messages(void)
{
	real_stderr = dup(STDERR_FILENO);
	messages = memfd_create("messages", MFD_CLOEXEC);
	(void)dup2(messages, STDERR_FILENO);
}

static bool message_seen(const char *part)
{
	char buf[65536];
	ssize_t n = pread(messages, buf, sizeof(buf) - 1, 0);

	(void)dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(messages);
	buf[n > 0 ? n : 0] = '\0';
	return strstr(buf, part) != NULL;
}

/* ---- tests ---- */

static void test_accessors(void **state)
{
	struct region *r = new_region(3);
	char buf[3 * PAGESIZE], back[3 * PAGESIZE];

	(void)state;
	assert_int_equal(region_get(r, 8, 8), 0);
	for (unsigned width = 1; width <= 8; width *= 2) {
		region_put(r, 16, width, 0x1122334455667788);
		assert_int_equal(region_get(r, 16, width),
				 0x1122334455667788 & (UINT64_MAX >> (64 - 8 * width)));
		region_put(r, P - 1, width, 0x1122334455667788); /* over the border */
		assert_int_equal(region_get(r, P - 1, width),
				 0x1122334455667788 & (UINT64_MAX >> (64 - 8 * width)));
	}
	region_put(r, 64, 4, 5);
	assert_int_equal(region_xchg(r, 64, 4, 6), 5);
	assert_int_equal(region_peek(r, 64, 4), 6);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 7);
	for (size_t off = 0; off < 9; off++) {
		region_write(r, off, buf, sizeof(buf) - 16);
		region_read(r, off, back, sizeof(buf) - 16);
		assert_memory_equal(buf, back, sizeof(buf) - 16);
	}
	region_destroy(r);
	assert_int_equal(region_create("none", 0, &r), -EINVAL);
	assert_int_equal(region_create("odd", P + 1, &r), 0);
	assert_int_equal(region_len(r), 2 * P);
	region_destroy(r);
}

static void test_out_of_range(void **state)
{
	struct region *r = new_region(1);
	size_t len = 8;
	char buf[8] = "unread";

	(void)state;
	expect_messages();
	assert_int_equal(region_get(r, P - 4, 8), UINT64_MAX);
	assert_int_equal(region_get(r, SIZE_MAX - 1, 8), UINT64_MAX);
	region_put(r, P, 1, 1);
	region_read(r, P - 4, buf, 8);
	assert_string_equal(buf, "unread");
	region_write(r, P - 4, buf, 8);
	assert_null(region_pin(r, P, &len));
	region_unpin(r);
	assert_int_equal(len, 0);
	assert_true(message_seen("devmap: test: access to 8 bytes at offset 0xffc is outside it"));
	region_destroy(r);
}

static void test_region_of(void **state)
{
	struct region *r[40];
	size_t off;
	char *view;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		r[i] = new_region(1 + i % 3);
	for (unsigned i = 0; i < 40; i++) {
		view = region_view(r[i]);
		assert_ptr_equal(region_of(view, &off), r[i]);
		assert_int_equal(off, 0);
		assert_ptr_equal(region_of(view + region_len(r[i]) - 1, &off), r[i]);
		assert_int_equal(off, region_len(r[i]) - 1);
	}
	view = region_view(r[20]);
	(void)region_of(view, &off);
	region_destroy(r[20]);
	assert_null(region_of(view, &off));
	assert_null(region_of(&off, &off));
	for (unsigned i = 0; i < 40; i++)
		if (i != 20)
			region_destroy(r[i]);
}

static void test_live_in_window(void **state)
{
	struct region *r = new_region(4);
	struct client *c = client_new();
	size_t len = 4 * P;
	char *at;

	(void)state;
	region_put(r, P, 8, 42);
	client_open(c, r, true);
	assert_false(region_busy(r));
	assert_int_equal(client_get(c, P), 42);
	assert_true(region_busy(r));
	client_put(c, P + 8, 43);
	assert_int_equal(region_get(r, P + 8, 8), 43);
	region_put(r, P + 16, 4, 44);
	assert_int_equal(client_get(c, P + 16), 44);
	assert_int_equal(region_xchg(r, P + 16, 4, 45), 44);
	assert_int_equal(client_get(c, P + 16), 45);
	at = region_pin(r, 0, &len);
	assert_int_equal(len, P);
	at[0] = 1;
	region_unpin(r);
	len = 4 * P;
	at = region_pin(r, P + 8, &len);
	assert_int_equal(len, P - 8);
	assert_int_equal(*at, 43);
	*at = 46;
	region_unpin(r);
	assert_int_equal(client_get(c, P + 8), 46);
	window_unload(c->window, 1, 1);
	assert_false(region_busy(r));
	assert_int_equal(region_get(r, P + 8, 8), 46);
	assert_int_equal(client_get(c, P + 8), 46);
	client_free(c);
	assert_int_equal(region_get(r, P + 8, 8), 46);
	region_destroy(r);
}

/* C17: a load takes the page from the other process. */
static void test_two_processes(void **state)
{
	struct region *r = new_region(1);
	struct client *a = client_new(), *b = client_new();

	(void)state;
	client_open(a, r, true);
	client_open(b, r, true);
	client_put(a, 0, 1);
	assert_int_equal(client_get(b, 0), 1);
	client_put(b, 0, 2);
	assert_int_equal(client_get(a, 0), 2);
	assert_int_equal(atomic_load(&a->faults), 2);
	assert_int_equal(atomic_load(&b->faults), 1);
	client_free(a);
	client_free(b);
	region_destroy(r);
}

static struct window *common_window(struct region *r)
{
	struct window *w;

	assert_int_equal(window_create_common(r, &w), 0);
	return w;
}

/* X5: those who have joined a window have its pages at once, and lose them at once. */
static void test_common_window(void **state)
{
	struct region *r = new_region(2);
	struct client *a = client_new(), *b = client_new(), *c = client_new();
	struct window *common = common_window(r);

	(void)state;
	client_join(a, r, common);
	client_join(b, r, common);
	client_open(c, r, true);
	for (uint64_t i = 1; i < 100; i++) {
		client_put(a, 0, 2 * i);
		assert_int_equal(client_get(b, 0), 2 * i);
		client_put(b, 0, 2 * i + 1);
		assert_int_equal(client_get(a, 0), 2 * i + 1);
	}
	assert_int_equal(atomic_load(&a->faults), 1);
	assert_int_equal(atomic_load(&b->faults), 1);
	assert_int_equal(client_get(c, 0), 199);
	client_put(c, 0, 5);
	assert_int_equal(client_get(a, 0), 5);
	assert_int_equal(client_get(b, 0), 5);
	assert_int_equal(atomic_load(&a->faults), 2);
	assert_int_equal(atomic_load(&b->faults), 2);
	client_put(b, 0, 6);
	window_unload(a->window, 0, 1);
	assert_int_equal(region_get(r, 0, 8), 6);
	assert_int_equal(client_get(b, 0), 6);
	assert_int_equal(atomic_load(&b->faults), 3);
	client_put(b, P, 7);
	client_free(a);
	client_put(b, 0, 8);
	assert_int_equal(atomic_load(&b->faults), 4);
	client_free(b);
	assert_int_equal(region_get(r, P, 8), 7);
	window_close(common);
	assert_int_equal(client_get(c, 0), 8);
	client_free(c);
	region_destroy(r);
}

/* What a client puts into a common window, or drops from it, is its and its companions' affair. */
static void test_common_cheats(void **state)
{
	struct region *r = new_region(2);
	struct client *a = client_new(), *b = client_new(), *c = client_new();
	struct window *common = common_window(r);
	uintptr_t cheat;

	(void)state;
	client_join(a, r, common);
	client_join(b, r, common);
	client_open(c, r, true);
	client_put(c, 0, 1);
	client_put(c, P, 2);
	cheat = (uintptr_t)ASK(a, OP_MAP, 2 * P, PROT_READ | PROT_WRITE).rc;
	tell(a, REQUEST(OP_PUT, cheat, 66), -1); /* where nobody has loaded anything */
	(void)hear(a, NULL);
	assert_int_equal(client_get(b, 0), 1);
	assert_int_equal(client_get(c, P), 2);
	client_put(b, P, 3);
	(void)ASK(a, OP_FALLOCATE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, P, P);
	assert_int_equal(client_get(b, P), 2); /* what it was given */
	assert_int_equal(client_get(c, P), 2);
	client_free(a);
	client_free(b);
	client_free(c);
	window_close(common);
	region_destroy(r);
}

/* One contends with two who share. */
static void test_common_loses_nothing(void **state)
{
	struct region *r = new_region(2);
	struct window *common = common_window(r);
	struct client *c[3];
	uint64_t count = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		c[i] = client_new();
		if (i < 2)
			client_join(c[i], r, common);
		else
			client_open(c[i], r, true);
		(void)ASK(c[i], OP_START, c[i]->addr + 64 * i, 2, 2, 1);
	}
	pause_us((long)seconds_ms * 1000);
	for (int i = 0; i < 3; i++) {
		struct answer a = ASK(c[i], OP_STOP, 0);

		assert_int_equal(a.rc, 0);
		count += a.value;
		client_free(c[i]);
	}
	window_close(common);
	assert_true(count > 0);
	region_destroy(r);
}

/* Many pages at once go through the pipe in pieces, whatever it holds. */
static void test_many_pages(void **state)
{
	struct region *r = new_region(700);
	struct client *c = client_new();

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		if (round == 0)
			r->pipe_is_max = true; /* as for a user who has too many pipes */
		else
			r->pipe_is_max = false;
		for (size_t i = 0; i < 700; i++)
			region_put(r, i * P + 8, 8, i + 1);
		client_open(c, r, true);
		assert_int_equal(window_load(c->window, c->addr, 0, 700), 0);
		assert_int_equal(window_load(c->window, c->addr, 0, 700), 0);
		(void)ASK(c, OP_START, c->addr + 16, 2, 16);
		(void)ASK(c, OP_PUT, c->addr + 699 * P, 5);
		window_unload(c->window, 3, 500);
		window_unload(c->window, 0, 700);
		assert_int_equal(ASK(c, OP_STOP, 0).rc, 0);
		for (size_t i = 0; i < 700; i++)
			assert_int_equal(client_get(c, i * P + 8), i + 1);
		assert_int_equal(client_get(c, 699 * P), 5);
		(void)ASK(c, OP_UNMAP, c->addr, c->len);
		client_close(c);
		for (size_t i = 0; i < 700; i++) {
			region_put(r, i * P + 16, 8, 0);
			region_put(r, i * P + 24, 8, 0);
		}
	}
	client_free(c);
	region_destroy(r);
}

struct context_page {
	uint64_t words[8];
};

/* One switch away and back: the context is saved, another one's is put in its place, and back. */
static void switch_away_and_back(struct client *c, struct region *r, unsigned pages)
{
	struct context_page saved[16], other;

	memset(&other, 0xa5, sizeof(other));
	pthread_mutex_lock(&c->lock);
	window_unload(c->window, 0, pages);
	for (unsigned p = 0; p < pages; p++) {
		region_read(r, p * P, &saved[p], sizeof(saved[p]));
		region_write(r, p * P, &other, sizeof(other));
	}
	for (unsigned p = 0; p < pages; p++)
		region_write(r, p * P, &saved[p], sizeof(saved[p]));
	pthread_mutex_unlock(&c->lock);
}

/* Counts only those switches that took the page from somebody. */
static void switch_stress(unsigned pages, unsigned long times)
{
	struct region *r = new_region(pages);
	struct client *c = client_new();
	uint64_t end = pages_now() + PATIENCE_NS;
	unsigned long done = 0;
	struct answer a;

	client_open(c, r, true);
	(void)ASK(c, OP_START, c->addr, 4, pages);
	while (done < times && pages_now() < end) {
		if (region_busy(r)) {
			switch_away_and_back(c, r, pages);
			done++;
		} else {
			pause_us(1);
		}
	}
	a = ASK(c, OP_STOP, 0);
	print_message("# %lu switches, %lu increments, %lu lost\n", done, (unsigned long)a.value,
		      (unsigned long)a.rc);
	assert_int_equal(a.rc, 0);
	assert_true(a.value > done / 10 && done > times / 10);
	client_free(c);
	region_destroy(r);
}

static void test_switch_loses_nothing(void **state)
{
	(void)state;
	switch_stress(1, switches);
}

static void test_switch_pages_loses_nothing(void **state)
{
	(void)state;
	switch_stress(16, switches / 8);
}

/* Two processes with one word each, taking the page from each other with nobody's help. */
static void test_contention_loses_nothing(void **state)
{
	struct region *r = new_region(2);
	struct client *a = client_new(), *b = client_new();
	struct answer ra, rb;
	uint64_t end;

	(void)state;
	client_open(a, r, true);
	client_open(b, r, true);
	(void)ASK(a, OP_START, a->addr, 2, 2, 1);
	(void)ASK(b, OP_START, b->addr + 64, 2, 2, 1);
	for (end = pages_now() + PATIENCE_NS; pages_now() < end; pause_us(1000))
		if (region_get(r, 0, 8) > 0 && region_get(r, 64, 8) > 0)
			break; /* both are at it */
	for (unsigned i = 0; i < seconds_ms; i++) {
		pause_us(1000);
		region_put(r, 256, 8, region_get(r, 256, 8) + 1);
	}
	ra = ASK(a, OP_STOP, 0);
	rb = ASK(b, OP_STOP, 0);
	assert_int_equal(ra.rc, 0);
	assert_int_equal(rb.rc, 0);
	assert_true(ra.value > 0 && rb.value > 0);
	assert_int_equal(region_get(r, 256, 8), seconds_ms);
	client_free(a);
	client_free(b);
	region_destroy(r);
}

static void test_register_drops(void **state)
{
	struct region *r = new_region(4);
	struct client *c = client_new();
	struct window *w;
	struct answer a;

	(void)state;
	region_put(r, 0, 8, 7);
	region_put(r, P, 8, 8);
	assert_int_equal(window_create(r, &c->uffd, true, &w), 0);
	tell(c, REQUEST(OP_MAP, 4 * P, PROT_READ | PROT_WRITE), window_fd(w));
	a = hear(c, NULL);
	(void)ASK(c, OP_PUT, (uint64_t)a.rc, 99); /* before the registration */
	(void)ASK(c, OP_ADVISE, (uint64_t)a.rc, 4 * P, 23 /* MADV_POPULATE_WRITE */);
	assert_int_equal(window_register(w, (uintptr_t)a.rc, 0, 4 * P), 0);
	pthread_mutex_lock(&c->lock);
	c->window = w;
	c->addr = (uintptr_t)a.rc;
	c->len = 4 * P;
	pthread_mutex_unlock(&c->lock);
	assert_int_equal(client_get(c, 0), 7);
	client_put(c, 0, 70);
	/* A second mapping of the window by another handle: what is live stays so. */
	a = ASK(c, OP_MAP, 4 * P, PROT_READ | PROT_WRITE);
	(void)ASK(c, OP_PUT, (uint64_t)a.rc + P, 99);
	assert_int_equal(window_register(w, (uintptr_t)a.rc, 0, 4 * P), 0);
	pthread_mutex_lock(&c->lock);
	c->addr = (uintptr_t)a.rc;
	pthread_mutex_unlock(&c->lock);
	assert_int_equal(client_get(c, 0), 70);
	assert_int_equal(client_get(c, P), 8);
	assert_int_equal(window_register(w, (uintptr_t)a.rc, 3 * P, 2 * P), -EINVAL);
	assert_int_equal(window_register(w, 0x10000, 0, P), -EINVAL);
	client_free(c);
	region_destroy(r);
}

/* What a window says of the client's addresses. */
struct seen {
	unsigned n;
	struct {
		uintptr_t start, end;
		size_t page;
	} at[8];
};

static void see(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	struct seen *s = arg;

	assert_true(s->n < 8);
	s->at[s->n].start = start;
	s->at[s->n].end = end;
	s->at[s->n++].page = page;
}

static struct seen placed(struct region *r, struct window *w, size_t page, size_t n)
{
	struct seen s = { .n = 0 };

	region_lock(r);
	window_placed(w, page, n, see, &s);
	region_unlock(r);
	return s;
}

/* Is [start, end) among them, with page at its beginning? */
static bool is_seen(const struct seen *s, uintptr_t start, uintptr_t end, size_t page)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->at[i].start == start && s->at[i].end == end && s->at[i].page == page)
			return true;
	return false;
}

static uintptr_t map_window(struct client *c, struct window *w)
{
	struct answer a;

	tell(c, REQUEST(OP_MAP, 8 * P, PROT_READ | PROT_WRITE), window_fd(w));
	a = hear(c, NULL);
	assert_true(a.rc > 0);
	assert_int_equal(window_register(w, (uintptr_t)a.rc, 0, 8 * P), 0);
	return (uintptr_t)a.rc;
}

static void test_placements(void **state)
{
	struct region *r = new_region(8);
	struct client *c = client_new();
	struct window *w;
	uintptr_t a, b;
	struct seen s;

	(void)state;
	assert_int_equal(window_create(r, &c->uffd, true, &w), 0);
	assert_int_equal(placed(r, w, 0, 8).n, 0);
	a = map_window(c, w);
	b = map_window(c, w);
	s = placed(r, w, 2, 3);
	assert_int_equal(s.n, 2);
	assert_true(is_seen(&s, a + 2 * P, a + 5 * P, 2));
	assert_true(is_seen(&s, b + 2 * P, b + 5 * P, 2));
	window_unplace(w, a + 3 * P, P);
	window_unplace(w, b, 4 * P);
	s = placed(r, w, 2, 3);
	assert_int_equal(s.n, 3);
	assert_true(is_seen(&s, a + 2 * P, a + 3 * P, 2));
	assert_true(is_seen(&s, a + 4 * P, a + 5 * P, 4));
	assert_true(is_seen(&s, b + 4 * P, b + 5 * P, 4));
	/* Placed again where something of it was: once. */
	assert_int_equal(window_register(w, a, 0, 8 * P), 0);
	s = placed(r, w, 0, 4);
	assert_int_equal(s.n, 1);
	assert_true(is_seen(&s, a, a + 4 * P, 0));
	window_unplace(w, a - P, 16 * P);
	window_unplace(w, b - P, 16 * P);
	assert_int_equal(placed(r, w, 0, 8).n, 0);
	window_close(w);
	client_free(c);
	region_destroy(r);
}

/* A part of a piece that goes its own way takes its addresses along; the region may be another. */
static void test_placements_of_pieces(void **state)
{
	struct region *r = new_region(16);
	struct client *c = client_new();
	struct window *w, *part;
	uintptr_t a;
	struct seen s;

	(void)state;
	assert_int_equal(window_create_piece("piece", &c->uffd, 0, 8, true, &w), 0);
	a = map_window(c, w); /* bound to nothing yet */
	window_bind(w, r, 8);
	s = placed(r, w, 8, 8);
	assert_int_equal(s.n, 1);
	assert_true(is_seen(&s, a, a + 8 * P, 0));
	assert_int_equal(window_clone(w, 10, 3, &part), 0);
	window_bind(part, r, 0);
	s = placed(r, part, 0, 8);
	assert_int_equal(s.n, 1);
	assert_true(is_seen(&s, a + 2 * P, a + 5 * P, 2));
	s = placed(r, w, 8, 8);
	assert_int_equal(s.n, 2);
	assert_true(is_seen(&s, a, a + 2 * P, 0));
	assert_true(is_seen(&s, a + 5 * P, a + 8 * P, 5));
	window_close(part);
	window_close(w);
	client_free(c);
	region_destroy(r);
}

static void test_cheat_second_mapping(void **state)
{
	struct region *r = new_region(2);
	struct client *c = client_new();
	uint64_t cheat;

	(void)state;
	region_put(r, 0, 8, 5);
	client_open(c, r, true);
	cheat = (uint64_t)ASK(c, OP_MAP, 2 * P, PROT_READ | PROT_WRITE).rc;
	(void)ASK(c, OP_PUT, cheat, 666);
	(void)ASK(c, OP_PUT, cheat + P, 666);
	assert_int_equal(region_get(r, 0, 8), 5);
	assert_int_equal(region_get(r, P, 8), 0);
	assert_int_equal(client_get(c, 0), 5); /* EEXIST: punched and copied again */
	assert_int_equal(c->last_error, 0);
	/* It writes all the time while the page comes and goes. */
	(void)ASK(c, OP_START, cheat + P, 2, 1);
	for (unsigned i = 0; i < 500; i++) {
		int err = window_load(c->window, c->addr + P, 1, 1);

		assert_true(err == 0 || err == -EIO);
		if (err == -EIO)
			assert_int_equal(region_get(r, P + 32, 8), 0);
		window_unload(c->window, 1, 1);
		assert_int_equal(region_get(r, 0, 8), 5);
	}
	(void)ASK(c, OP_STOP, 0);
	client_free(c);
	region_destroy(r);
}

static void test_cheat_drops_pages(void **state)
{
	struct region *r = new_region(4);
	struct client *c = client_new();

	(void)state;
	for (size_t i = 0; i < 4; i++)
		region_put(r, i * P, 8, 10 + i);
	client_open(c, r, true);
	for (size_t i = 0; i < 4; i++)
		client_put(c, i * P, 20 + i);
	assert_int_equal(ASK(c, OP_ADVISE, c->addr + P, P, MADV_REMOVE).rc, 0);
	assert_int_equal(client_get(c, P), 11); /* what it was given */
	assert_int_equal(c->last_error, 0);
	assert_int_equal(
		ASK(c, OP_FALLOCATE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * P, P).rc, 0);
	assert_int_equal(region_get(r, 2 * P, 8), 0); /* our mapping fills it with zeros */
	assert_int_equal(ASK(c, OP_ADVISE, c->addr + P, P, MADV_REMOVE).rc, 0);
	assert_int_equal(ASK(c, OP_ADVISE, c->addr, P, MADV_DONTNEED).rc, 0);
	assert_int_equal(client_get(c, 0), 20); /* no cheat: a cache was dropped */
	window_unload(c->window, 0, 4);
	assert_int_equal(region_get(r, 0, 8), 20);
	assert_int_equal(region_get(r, P, 8), 0);
	assert_int_equal(region_get(r, 2 * P, 8), 0);
	assert_int_equal(region_get(r, 3 * P, 8), 23);
	client_free(c);
	region_destroy(r);
}

static void test_cheat_seals(void **state)
{
	struct region *r = new_region(2);
	struct client *c = client_new();

	(void)state;
	client_open(c, r, true);
	client_put(c, 0, 1);
	assert_int_equal(ASK(c, OP_SEAL, F_SEAL_WRITE).value, EPERM);
	assert_int_equal(ASK(c, OP_SEAL, 0x10 /* F_SEAL_FUTURE_WRITE */).value, EPERM);
	assert_int_equal(ASK(c, OP_TRUNCATE, 0).value, EPERM);
	assert_int_equal(ASK(c, OP_TRUNCATE, 10 * P).value, EPERM);
	assert_int_equal(ASK(c, OP_FALLOCATE, 0, 0, 10 * P).value, EPERM);
	assert_int_equal(region_get(r, 0, 8), 1);
	/* Filling it behind our back is found out when the page is loaded. */
	assert_int_equal(ASK(c, OP_PWRITE, P, 0xff, P).rc, 0);
	assert_int_equal(client_get(c, P), 0);
	window_unload(c->window, 0, 2);
	assert_int_equal(region_get(r, 0, 8), 1);
	assert_int_equal(region_get(r, P, 8), 0);
	client_free(c);
	region_destroy(r);
}

/* A privileged client makes its window immutable: it cannot be punched. Nobody else suffers. */
static void test_cheat_immutable(void **state)
{
	struct region *r = new_region(1);
	struct client *c = client_new(), *d = client_new();

	(void)state;
	client_open(c, r, true);
	client_open(d, r, true);
	client_put(c, 0, 1);
	if (ASK(c, OP_IMMUTABLE, 1).rc != 0) {
		client_free(c);
		client_free(d);
		region_destroy(r);
		skip();
	}
	expect_messages();
	assert_int_equal(client_get(d, 0), 1);
	assert_true(message_seen("test: a window cannot be emptied (Operation not permitted)"));
	client_put(d, 0, 2);
	assert_int_equal(ASK(c, OP_GET, c->addr).value, 1); /* its own, as ever */
	(void)ASK(c, OP_PUT, c->addr, 3);
	assert_int_equal(region_get(r, 0, 8), 2);
	assert_int_equal(window_load(c->window, c->addr, 0, 1), -EIO);
	client_free(c);
	assert_int_equal(client_get(d, 0), 2);
	client_free(d);
	region_destroy(r);
}

/* Loads and unloads what a client maps and unmaps meanwhile. How often that failed. */
static unsigned long load_while_unmapping(struct client *c, unsigned long *done)
{
	const uint64_t end = pages_now() + (uint64_t)seconds_ms * 1000000;
	unsigned long failed = 0;

	tell(c, REQUEST(OP_CHURN, c->addr, 64 * P, seconds_ms), -1);
	while (pages_now() < end) {
		int err = window_load(c->window, c->addr, 0, 64);

		assert_true(err == 0 || err == -ENOENT || err == -EAGAIN || err == -EIO);
		failed += err != 0;
		(*done)++;
		window_unload(c->window, 0, 64);
		(void)window_register(c->window, c->addr, 0, 64 * P);
	}
	(void)hear(c, NULL);
	return failed;
}

static void test_unmap_while_loading(void **state)
{
	struct region *r = new_region(64);
	struct client *c = client_new();
	unsigned long failed = 0, done = 0;
	const uint64_t limit = pages_now() + PATIENCE_NS;

	(void)state;
	client_open(c, r, true);
	assert_int_equal(ASK(c, OP_UNMAP, c->addr + 8 * P, 8 * P).rc, 0);
	assert_int_equal(window_load(c->window, c->addr, 0, 64), -ENOENT);
	window_unload(c->window, 0, 64);
	/* Until the two have met. */
	do
		failed += load_while_unmapping(c, &done);
	while (failed == 0 && pages_now() < limit);
	assert_true(failed > 0 && done > failed / 2);
	client_free(c);
	assert_false(region_busy(r));
	region_destroy(r);
}
static void test_stopped_client(void **state)
{
	struct region *r = new_region(8);
	struct client *c = client_new();

	(void)state;
	client_open(c, r, true);
	(void)ASK(c, OP_START, c->addr, 4, 8);
	for (unsigned i = 0; i < 200; i++) {
		uint64_t seen;
		int status;

		pause_us(300);
		assert_int_equal(kill(c->pid, SIGSTOP), 0);
		/* Until all its threads have stopped. */
		assert_int_equal(waitpid(c->pid, &status, WUNTRACED), c->pid);
		assert_true(WIFSTOPPED(status));
		pthread_mutex_lock(&c->lock);
		c->refuse = true;
		window_unload(c->window, 0, 8);
		c->refuse = false;
		pthread_mutex_unlock(&c->lock);
		seen = region_get(r, 0, 8);
		assert_int_equal(region_get(r, 0, 8), seen);
		assert_int_equal(kill(c->pid, SIGCONT), 0);
	}
	assert_int_equal(ASK(c, OP_STOP, 0).rc, 0);
	client_free(c);
	region_destroy(r);
}

/* Who looks at the process in /proc may keep its memory for a moment after its death. */
static int load_until_gone(struct client *c, size_t pages)
{
	const uint64_t end = pages_now() + PATIENCE_NS;
	int err;

	while ((err = window_load(c->window, c->addr, 0, pages)) != -ESRCH && pages_now() < end) {
		window_unload(c->window, 0, pages);
		pause_us(1000);
	}
	return err;
}

static void test_killed_client(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		struct region *r = new_region(16);
		struct client *c = client_new();
		uint64_t kept;

		client_open(c, r, true);
		(void)ASK(c, OP_START, c->addr, 4, 16);
		while (client_get(c, 9 * P) == 0)
			pause_us(100);
		(void)kill(c->pid, SIGKILL);
		if (i % 2)
			(void)waitid(P_PID, (id_t)c->pid, NULL, WEXITED | WNOWAIT);
		window_unload(c->window, 0, 8);
		kept = region_get(r, 0, 8);
		(void)waitid(P_PID, (id_t)c->pid, NULL, WEXITED | WNOWAIT);
		assert_int_equal(load_until_gone(c, 8), -ESRCH);
		client_free(c);
		assert_true(region_get(r, 0, 8) >= kept);
		assert_true(region_get(r, 9 * P, 8) > 0);
		region_destroy(r);
	}
}

static void test_reader_scribbles(void **state)
{
	struct region *r = new_region(2);
	struct client *c = client_new();
	size_t len = P;
	uint32_t *at;

	(void)state;
	region_put(r, 0, 8, 1);
	client_open(c, r, false);
	assert_int_equal(client_get(c, 0), 1);
	client_put(c, 0, 666);
	client_put(c, 8, 666);
	assert_int_equal(region_get(r, 0, 8), 1);
	region_put(r, 16, 8, 2); /* goes to both */
	assert_int_equal(client_get(c, 16), 2);
	assert_int_equal(region_xchg(r, 8, 4, 3), 0);
	assert_int_equal((uint32_t)client_get(c, 8), 3);
	region_write(r, 24, "12345678", 8);
	assert_memory_equal(&(uint64_t){ client_get(c, 24) }, "12345678", 8);
	window_unload(c->window, 0, 2);
	assert_int_equal(region_get(r, 0, 8), 1);
	assert_int_equal(region_get(r, 8, 8), 3);
	assert_int_equal(client_get(c, 0), 1);
	client_put(c, 0, 667);
	at = region_pin(r, 0, &len); /* taken from the reader */
	assert_int_equal(at[0], 1);
	at[0] = 9;
	region_unpin(r);
	assert_int_equal(client_get(c, 0), 9);
	client_put(c, 0, 668);
	client_free(c);
	assert_int_equal(region_get(r, 0, 8), 9);
	region_destroy(r);
}

static bool in_view(struct region *r, size_t page)
{
	bool in;

	region_lock(r);
	in = r->pages[page].in_view;
	region_unlock(r);
	return in;
}

static void test_view(void **state)
{
	struct region *r = new_region(4);
	struct client *c = client_new();
	volatile uint64_t *view = region_view(r);

	(void)state;
	assert_int_equal(view[0], 0); /* never touched */
	view[P / 8] = 3;	      /* the same, written */
	assert_int_equal(region_get(r, P, 8), 3);
	region_put(r, P, 8, 4);
	assert_int_equal(view[P / 8], 4);
	client_open(c, r, true);
	assert_int_equal(client_get(c, P), 4); /* left the view */
	assert_false(in_view(r, 1));
	client_put(c, P, 5);
	assert_int_equal(view[P / 8], 5); /* came home */
	assert_false(region_busy(r));
	view[P / 8] = 6;
	assert_int_equal(client_get(c, P), 6);
	assert_int_equal(window_load(c->window, c->addr, 0, 4), 0);
	client_put(c, 3 * P, 7);
	/* Buffers in the view. */
	region_write(r, 2 * P, (const void *)(uintptr_t)(view + 3 * P / 8), 8);
	assert_int_equal(region_get(r, 2 * P, 8), 7);
	region_read(r, 3 * P, (void *)(uintptr_t)(view + P / 8), 8);
	assert_int_equal(client_get(c, P), 7);
	client_close(c);
	client_open(c, r, false); /* a reader */
	assert_int_equal(client_get(c, P), 7);
	view[P / 8] = 8;
	assert_int_equal(client_get(c, P), 8);
	client_free(c);
	region_destroy(r);
}

struct toucher {
	volatile uint64_t *word;
	struct region *r; /* through accessors, if not NULL */
	size_t off;
	atomic_bool stop;
	uint64_t lost;
	_Atomic uint64_t count;
};

static void *touch_run(void *arg)
{
	struct toucher *t = arg;
	uint64_t expect = 0, seen;

	while (!atomic_load(&t->stop)) {
		seen = t->r != NULL ? region_get(t->r, t->off, 8) : *t->word;
		t->lost += seen != expect;
		expect = seen + 1;
		if (t->r != NULL)
			region_put(t->r, t->off, 8, expect);
		else
			*t->word = expect;
		if (++t->count % 512 == 0)
			pause_us(10);
	}
	return NULL;
}

/* Words of their own on one page for a driver's pointer, accessors and a client's threads. */
static void test_view_loses_nothing(void **state)
{
	struct region *r = new_region(1);
	struct client *c = client_new();
	volatile uint64_t *view = region_view(r);
	struct toucher raw = { .word = view + 16 }, raw2 = { .word = view + 24 },
		       acc = { .r = r, .off = 32 * 8 };
	pthread_t threads[3];
	struct answer a;
	uint64_t end;

	(void)state;
	client_open(c, r, true);
	(void)ASK(c, OP_START, c->addr, 2, 1, 1);
	(void)pthread_create(&threads[0], NULL, touch_run, &raw);
	(void)pthread_create(&threads[1], NULL, touch_run, &raw2);
	(void)pthread_create(&threads[2], NULL, touch_run, &acc);
	pause_us(seconds_ms * 3000L);
	for (end = pages_now() + PATIENCE_NS; pages_now() < end; pause_us(1000))
		if (raw.count > 1000 && raw2.count > 1000 && acc.count > 1000 &&
		    atomic_load(&c->faults) > 100)
			break;
	atomic_store(&raw.stop, true);
	atomic_store(&raw2.stop, true);
	atomic_store(&acc.stop, true);
	for (unsigned i = 0; i < 3; i++)
		(void)pthread_join(threads[i], NULL);
	a = ASK(c, OP_STOP, 0);
	assert_int_equal(a.rc + (int64_t)(raw.lost + raw2.lost + acc.lost), 0);
	assert_true(a.value > 1000 && raw.count > 1000 && raw2.count > 1000 && acc.count > 1000);
	assert_true(atomic_load(&c->faults) > 100);
	client_free(c);
	assert_int_equal(region_get(r, 16 * 8, 8), raw.count);
	assert_int_equal(region_get(r, 32 * 8, 8), acc.count);
	region_destroy(r);
}

/* A model draws through pins, a client stores, a pointer stores. */
static void test_pin_loses_nothing(void **state)
{
	struct region *r = new_region(1);
	struct client *c = client_new();
	struct toucher raw = { .word = (volatile uint64_t *)region_view(r) + 16 };
	pthread_t thread;
	uint64_t n = 0, end;

	(void)state;
	client_open(c, r, true);
	(void)ASK(c, OP_START, c->addr, 2, 1, 1);
	(void)pthread_create(&thread, NULL, touch_run, &raw);
	for (end = pages_now() + seconds_ms * 1000000ULL; pages_now() < end; n++) {
		size_t len = 8;
		uint64_t *at = region_pin(r, 512, &len);

		assert_int_equal(*at, n);
		*at = n + 1;
		region_unpin(r);
	}
	atomic_store(&raw.stop, true);
	(void)pthread_join(thread, NULL);
	assert_int_equal(ASK(c, OP_STOP, 0).rc + (int64_t)raw.lost, 0);
	client_free(c);
	region_destroy(r);
}

static void test_share_whole(void **state)
{
	struct region *r = new_region(2);
	volatile uint64_t *view = region_view(r);
	uint64_t *p;
	size_t off, len;
	int fd, fd2;

	(void)state;
	view[0] = 1;
	assert_int_equal(region_share(r, 0, 2 * P, true, &fd, &off, &len), 0);
	assert_int_equal(off, 0);
	assert_int_equal(len, 2 * P);
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)off);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(p[0], 1);
	p[1] = 2;
	assert_int_equal(region_get(r, 8, 8), 2);
	assert_int_equal(view[1], 2);
	region_put(r, P, 8, 3);
	assert_int_equal(p[P / 8], 3);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(region_share(r, P, P, false, &fd2, &off, &len), 0);
	assert_int_equal(off, P);
	assert_int_equal(len, P);
	assert_ptr_equal(mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd2, (off_t)off),
			 MAP_FAILED);
	munmap(p, 2 * P);
	p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd2, (off_t)off);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect(p, len, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(p[0], 3);
	munmap(p, len);
	close(fd);
	close(fd2);
	region_destroy(r);
}

/* C23: a region is busy as long as a process has it mapped, and is not freed meanwhile. */
static void test_share_ends(void **state)
{
	struct region *r = new_region(2);
	size_t off, len;
	int fd;

	(void)state;
	region_shared_begin(r);
	assert_int_equal(region_share(r, 0, P, true, &fd, &off, &len), 0);
	close(fd);
	region_shared_begin(r);
	region_shared_end(r);
	assert_true(region_busy(r));
	expect_messages();
	region_destroy(r);
	assert_true(message_seen("test: destroyed while it is mapped 1 times"));
	region_shared_end(r);
	assert_false(region_busy(r));
	region_destroy(r);
}

static size_t file_pages(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (size_t)st.st_size / P;
}

static void test_share_pieces(void **state)
{
	struct region *r = new_region(10);
	volatile uint64_t *view = region_view(r);
	struct client *c = client_new();
	uint64_t *p;
	size_t off, len;
	int fd, fd2, err;

	(void)state;
	for (size_t i = 0; i < 10; i++)
		view[i * P / 8] = 100 + i;
	client_open(c, r, true);
	client_put(c, 4 * P, 204); /* live in a window */
	assert_int_equal(region_share(r, 3 * P, 3 * P, true, &fd, &off, &len), 0);
	assert_int_equal(len, 3 * P);
	assert_int_equal(file_pages(fd), 3); /* reveals nothing else */
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)off);
	assert_int_equal(p[0], 103);
	assert_int_equal(p[P / 8], 204);
	p[0] = 303;
	assert_int_equal(view[3 * P / 8], 303);
	view[3 * P / 8] = 403;
	assert_int_equal(p[0], 403);
	assert_int_equal(region_get(r, 3 * P, 8), 403);
	for (size_t i = 0; i < 10; i++)
		if (i != 3 && i != 4)
			assert_int_equal(view[i * P / 8], 100 + i);
	expect_messages();
	assert_int_equal(window_load(c->window, c->addr, 2, 2), -EBUSY);
	assert_true(message_seen("page 3 is shared by all processes"));
	assert_int_equal(client_get(c, 2 * P), 102);
	client_put(c, 9 * P, 209);
	/* Through the old piece, in it, and beyond: pieces. */
	assert_int_equal(region_share(r, 0, 10 * P, true, &fd2, &off, &len), 0);
	assert_int_equal(len, 3 * P);
	assert_int_equal(file_pages(fd2), 3);
	close(fd2);
	assert_int_equal(region_share(r, 4 * P, 6 * P, true, &fd2, &off, &len), 0);
	assert_int_equal(len, 2 * P);
	assert_int_equal(off, P);
	close(fd2);
	assert_int_equal(region_share(r, 8 * P, P + 5, true, &fd2, &off, &len), 0);
	assert_int_equal(len, P + 5);
	assert_int_equal(off, 0);
	close(fd2);
	assert_int_equal(region_share(r, 6 * P, 4 * P, false, &fd2, &off, &len), 0);
	assert_int_equal(len, 2 * P);
	close(fd2);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(region_get(r, i * P, 8), i == 3 ? 403 :
							  i == 4 ? 204 :
							  i == 9 ? 209 :
								   100 + i);
	expect_messages();
	err = region_share(r, 5, P, true, &fd2, &off, &len);
	assert_int_equal(err, -EINVAL);
	(void)message_seen("");
	munmap(p, 3 * P);
	close(fd);
	client_free(c);
	region_destroy(r);
}

/* Pages move to memfds of their own while a pointer and accessors are at work. */
static void test_share_loses_nothing(void **state)
{
	enum { PAGES = 32 };
	struct region *r = new_region(PAGES);
	volatile uint64_t *view = region_view(r);
	struct toucher raw[4], acc[4];
	pthread_t threads[8];
	size_t off, len;
	int fd;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		raw[i] = (struct toucher){ .word = view + i * 8 * P / 8 };
		acc[i] = (struct toucher){ .r = r, .off = i * 8 * P + 64 };
		(void)pthread_create(&threads[i], NULL, touch_run, &raw[i]);
		(void)pthread_create(&threads[4 + i], NULL, touch_run, &acc[i]);
	}
	for (unsigned i = 0; i < PAGES; i++) {
		pause_us(3000);
		assert_int_equal(
			region_share(r, (size_t)(i * 5 % PAGES) * P, P, true, &fd, &off, &len), 0);
		close(fd);
	}
	for (unsigned i = 0; i < 4; i++) {
		atomic_store(&raw[i].stop, true);
		atomic_store(&acc[i].stop, true);
	}
	for (unsigned i = 0; i < 8; i++)
		(void)pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(raw[i].lost + acc[i].lost, 0);
	assert_int_equal(r->nextents, PAGES);
	region_destroy(r);
}

/*
 * An engine is killed in the middle of bringing a page home, and another takes over. What it has left is made
 * here, step by step; the other one is a second region over the same memory, with a second window.
 */
static struct {
	struct region_kept kept;
	struct client *client;
	struct window *window;
	struct region *region;
	uint32_t serial;
} dead;

static int copy_of(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	assert_true(copy >= 0);
	return copy;
}

static bool dead_find(const char *name, size_t npages, struct region_kept *out)
{
	if (dead.client == NULL)
		return false;
	assert_string_equal(name, "test");
	assert_int_equal(npages, 2);
	*out = (struct region_kept){ .home = copy_of(dead.kept.home),
				     .board = copy_of(dead.kept.board),
				     .pipe = { copy_of(dead.kept.pipe[0]),
					       copy_of(dead.kept.pipe[1]) } };
	return true;
}

static int dead_bind(struct region *r, uint64_t id)
{
	(void)id;
	assert_int_equal(window_adopt(&dead.client->uffd, copy_of(window_fd(dead.client->window)),
				      2, true, dead.serial, &dead.window),
			 0);
	window_bind(dead.window, r, 0);
	dead.region = r;
	return 0;
}

static struct window *dead_window(struct region *r, uint32_t serial)
{
	return r == dead.region && serial == dead.serial ? dead.window : NULL;
}

static void dead_made(struct region *r, const char *name, size_t npages,
		      const struct region_kept *k)
{
	(void)r;
	(void)name;
	(void)npages;
	if (dead.client == NULL)
		dead.kept = *k;
}

static void dead_gone(struct region *r)
{
	(void)r;
}

static const struct pages_keeper dead_keeper = { .find = dead_find,
						 .bind = dead_bind,
						 .window = dead_window,
						 .made = dead_made,
						 .gone = dead_gone };

/* How far the dead one has come with page 1. */
enum step { LOADED, SPLICED, NOTED, PUNCHED, READ_HALF, READ_ALL, LENT, CHEATED, NSTEPS };

#define LAST (2 * P - 8) /* the page's last word */

static void die_at(struct region *r, struct client *c, enum step step)
{
	const int window = window_fd(c->window), home = dead.kept.home;
	char half[PAGESIZE / 2];
	loff_t off = P;

	if (step == LENT || step == CHEATED) {
		/* Home has what was there before; there is no page, or one of the client's own making. */
		assert_int_equal(pwrite(home, &(uint64_t){ 70 }, 8, P), 8);
		assert_int_equal(pwrite(home, &(uint64_t){ 71 }, 8, LAST), 8);
		if (step == CHEATED)
			atomic_store(&r->board->where[1], 0);
		else
			assert_int_equal(
				fallocate(window, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, P, P),
				0);
		return;
	}
	if (step >= SPLICED)
		assert_int_equal(splice(window, &off, dead.kept.pipe[1], NULL, P, 0), P);
	if (step >= NOTED) {
		r->board->page = 1;
		r->board->n = 1;
		r->board->bytes = P;
		atomic_store(&r->board->pulling, 1);
		client_put(c, P, 70); /* it still can */
	}
	if (step >= PUNCHED)
		assert_int_equal(
			fallocate(window, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, P, P), 0);
	for (int i = READ_HALF; i <= (int)step; i++) {
		assert_int_equal(read(dead.kept.pipe[0], half, sizeof(half)), sizeof(half));
		assert_int_equal(pwrite(home, half, sizeof(half),
					(off_t)(P + (size_t)(i - READ_HALF) * sizeof(half))),
				 sizeof(half));
	}
}

static void recover_from(enum step step)
{
	struct client *c = client_new();
	struct region *r = new_region(2), *next;

	client_open(c, r, true);
	client_put(c, 0, 6);
	client_put(c, P, step == LOADED || step == SPLICED ? 70 : 69);
	client_put(c, LAST, 71);
	dead.serial = window_serial(c->window);
	die_at(r, c, step);
	dead.client = c;
	next = new_region(2);
	assert_int_equal(region_peek(next, 0, 8), 6);
	assert_int_equal(region_peek(next, P, 8), 70);
	assert_int_equal(region_peek(next, LAST, 8), 71);
	assert_false(region_busy(next));
	window_clean(dead.window);
	assert_int_equal(lseek(window_fd(c->window), 0, SEEK_DATA), -1);
	dead.client = NULL;
	window_close(dead.window);
	client_close(c);
	region_destroy(next);
	region_destroy(r);
	client_free(c);
}

static void test_recover(void **state)
{
	(void)state;
	pages_set_keeper(&dead_keeper);
	pages_keep(true);
	for (enum step s = LOADED; s < NSTEPS; s++)
		recover_from(s);
	pages_keep(false);
	pages_set_keeper(NULL);
}

static void test_poison(void **state)
{
	struct region *r = new_region(2);
	struct client *c = client_new();
	struct answer a;

	(void)state;
	region_put(r, 0, 8, 77);
	client_open(c, r, true);
	if (!c->uffd.poison) {
		assert_int_equal(client_uffd_poison(&c->uffd, c->addr), -EOPNOTSUPP);
		client_free(c);
		region_destroy(r);
		skip();
	}
	pthread_mutex_lock(&c->lock);
	c->refuse = true;
	pthread_mutex_unlock(&c->lock);
	tell(c, REQUEST(OP_CATCH, c->addr + 8), -1);
	while (atomic_load(&c->faults) == 0)
		pause_us(100);
	assert_int_equal(client_uffd_poison(&c->uffd, c->addr), 0);
	a = hear(c, NULL);
	assert_int_equal(a.rc, SIGBUS);
	assert_int_equal(a.value & ~(uint64_t)63, c->addr);
	assert_int_equal(ASK(c, OP_SYSREAD, c->addr).rc, EFAULT);
	pthread_mutex_lock(&c->lock);
	c->refuse = false;
	pthread_mutex_unlock(&c->lock);
	window_unpoison(c->window, c->addr, 0);
	assert_int_equal(client_get(c, 0), 77);
	/* Cured although the page is live. */
	window_unload(c->window, 0, 1);
	assert_int_equal(client_uffd_poison(&c->uffd, c->addr), 0);
	assert_int_equal(window_load(c->window, c->addr, 0, 1), 0);
	assert_int_equal(ASK(c, OP_CATCH, c->addr).rc, 0);
	window_unpoison(c->window, c->addr, 0);
	assert_int_equal(client_get(c, 0), 77);
	client_free(c);
	region_destroy(r);
}

/* A system call's access is served where the userfaultfd reports it, and fails where not. */
static void test_kernel_faults(void **state)
{
	struct region *r = new_region(1);
	struct client *c = client_new();

	(void)state;
	client_open(c, r, true);
	assert_int_equal(ASK(c, OP_SYSREAD, c->addr).rc, EFAULT);
	assert_int_equal(client_get(c, 0), 0);
	assert_int_equal(ASK(c, OP_SYSREAD, c->addr).rc, 0);
	client_free(c);
	if (geteuid() == 0) {
		c = client_new_with(true);
		client_open(c, r, true);
		assert_int_equal(ASK(c, OP_SYSREAD, c->addr).rc, 0);
		assert_memory_equal(&(uint64_t){ region_get(r, 0, 8) }, "12345678", 8);
		client_free(c);
	}
	region_destroy(r);
}

static void test_uffd_refused(void **state)
{
	struct client_uffd u;
	int fd = memfd_create("not a userfaultfd", MFD_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };

	(void)state;
	assert_int_equal(client_uffd_init(&u, fd), -ENOTTY);
	client_uffd_fini(&u);
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	assert_int_equal(ioctl(fd, UFFDIO_API, &api), 0);
	assert_int_equal(client_uffd_init(&u, fd), -EINVAL);
	client_uffd_fini(&u);
}

/* Loads, unloads, accessors, pointers and sharing from many threads. */
static void *mess_run(void *arg)
{
	struct client *c = arg;
	struct region *r = c->window->region;
	volatile uint64_t *view = region_view(r);
	unsigned seed = (unsigned)c->pid ^ (unsigned)pages_now();
	uint64_t end = pages_now() + seconds_ms * 2000000ULL;
	char buf[2 * PAGESIZE];

	while (pages_now() < end) {
		size_t page = (unsigned)rand_r(&seed) % 12, n = 1 + (unsigned)rand_r(&seed) % 4;
		size_t len = n * P;

		switch (rand_r(&seed) % 6) {
		case 0:
			(void)window_load(c->window, c->addr + page * P, page, n);
			client_uffd_wake(&c->uffd, c->addr + page * P, n * P);
			break;
		case 1:
			window_unload(c->window, page, n);
			break;
		case 2:
			region_put(r, page * P + 128, 8, region_get(r, page * P + 256, 8));
			break;
		case 3:
			(void)__atomic_fetch_add(&view[page * P / 8 + 40], 1, __ATOMIC_RELAXED);
			break;
		case 4:
			region_read(r, page * P + 3, buf, n * 1000);
			break;
		case 5:
			memset((char *)region_pin(r, page * P + 1024, &len), 1, 64);
			region_unpin(r);
			break;
		}
	}
	return NULL;
}

static void test_mess(void **state)
{
	struct region *r = new_region(16);
	struct client *c[3];
	pthread_t threads[6];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		c[i] = client_new();
		client_open(c[i], r, i != 2);
		/* Two writers with words of their own, and a reader that scribbles. */
		(void)ASK(c[i], OP_START, c[i]->addr + i * 16, 1, 16, 1);
	}
	for (unsigned i = 0; i < 6; i++)
		(void)pthread_create(&threads[i], NULL, mess_run, c[i % 3]);
	for (unsigned i = 0; i < 6; i++)
		(void)pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < 3; i++) {
		struct answer a = ASK(c[i], OP_STOP, 0);

		if (i != 2)
			assert_int_equal(a.rc, 0);
	}
	for (size_t page = 0; page < 16; page++)
		assert_int_equal(region_get(r, page * P + 32, 8), 0);
	for (unsigned i = 0; i < 3; i++)
		client_free(c[i]);
	assert_false(region_busy(r));
	region_destroy(r);
}

/* ---- models ---- */

/* A doorbell at 0, what it was told last at 4, how often at 8; draws into set 1. */
static atomic_ulong syncs;
static atomic_int inside;

static int bell_attach(struct devmap_model *m)
{
	if (devmap_model_prop_int(m, "fail", 0) != 0)
		return ENXIO;
	if (devmap_model_add_regs(m, 64) != 0 || devmap_model_add_regs(m, 2 * P) != 1)
		return ENOMEM;
	devmap_model_set_private(m, devmap_model_alloc(16));
	return strcmp(devmap_model_prop_string(m, "color", "red"), "red") == 0 ? 0 : EINVAL;
}

static void bell_detach(struct devmap_model *m)
{
	devmap_model_free(devmap_model_private(m), 16);
}

static int bell_sync(struct devmap_model *m)
{
	uint32_t rung = devmap_model_take32(m, 0, 0);
	size_t len = 2 * P;
	uint32_t *at;

	assert_int_equal(atomic_fetch_add(&inside, 1), 0);
	atomic_fetch_add(&syncs, 1);
	if (rung != 0) {
		devmap_model_write32(m, 0, 4, rung);
		at = devmap_model_pin(m, 1, 0, &len);
		at[0] = rung;
		devmap_model_unpin(m, 1);
		devmap_model_write32(m, 0, 8, devmap_model_read32(m, 0, 8) + 1);
	}
	atomic_fetch_sub(&inside, 1);
	return rung != 0;
}

static const struct devmap_model_ops bell = { DEVMAP_MODEL_VERSION, sizeof(bell), "bell",
					      bell_attach,	    bell_detach,  bell_sync };

static int prop_fails(void *arg, const char *name, int dflt)
{
	(void)dflt;
	(void)arg;
	return strcmp(name, "fail") == 0;
}

static bool wait_for(struct region *r, size_t off, uint32_t value)
{
	for (uint64_t end = pages_now() + PATIENCE_NS; pages_now() < end; pause_us(1000))
		if (region_peek(r, off, 4) == value)
			return true;
	return false;
}

/* Until the model was not asked to look for 100 ms: its thread sleeps. */
static bool wait_until_quiet(void)
{
	for (uint64_t end = pages_now() + PATIENCE_NS; pages_now() < end;) {
		unsigned long before = atomic_load(&syncs);

		pause_us(100000);
		if (atomic_load(&syncs) == before)
			return true;
	}
	return false;
}

static void test_model(void **state)
{
	struct client *c = client_new();
	struct model_props fails = { .get_int = prop_fails };
	struct devmap_model_ops old = bell;
	struct devmap_model *m;
	struct region *r;

	(void)state;
	assert_int_equal(model_create(&bell, "bell0", NULL, &m), 0);
	r = model_region(m, 0);
	assert_int_equal(model_nregs(m), 2);
	assert_null(model_region(m, 2));
	region_put(r, 0, 4, 5); /* the driver rings */
	assert_int_equal(region_get(r, 4, 4), 5);
	assert_int_equal(region_get(model_region(m, 1), 0, 4), 5);
	client_open(c, r, true);
	client_put(c, 0, 6); /* a client rings: the thread looks */
	assert_true(wait_for(r, 4, 6));
	assert_int_equal((uint32_t)client_get(c, 0), 0);
	pthread_mutex_lock(&c->lock);
	(void)ASK(c, OP_PUT, c->addr, 7);
	window_unload(c->window, 0, 1); /* the last command was taken by now */
	assert_int_equal(region_peek(r, 4, 4), 7);
	pthread_mutex_unlock(&c->lock);
	assert_true(wait_until_quiet()); /* nothing to do, nobody there */
	region_put(r, 0, 4, 8);		 /* wakes it, nobody looks */
	assert_true(wait_for(r, 4, 8));
	client_close(c);
	model_destroy(m);
	expect_messages();
	assert_int_equal(model_create(&bell, "bell1", &fails, &m), -ENXIO);
	old.version++;
	assert_int_equal(model_create(&old, "bell2", NULL, &m), -EINVAL);
	assert_true(message_seen("bell1: model bell does not attach: No such device or address"));
	client_free(c);
}

/* Client, driver and model thread on one set of registers: no command is lost. */
static void test_model_stress(void **state)
{
	struct client *c = client_new();
	struct devmap_model *m;
	struct region *r;
	uint64_t done = 0, end;

	(void)state;
	assert_int_equal(model_create(&bell, "bell0", NULL, &m), 0);
	r = model_region(m, 0);
	client_open(c, r, true);
	for (end = pages_now() + seconds_ms * 1000000ULL; pages_now() < end; done++) {
		(void)ASK(c, OP_PUT, c->addr, done + 1);
		if (done % 3 == 0)
			window_unload(c->window, 0, 1);
		assert_int_equal(region_get(r, 4, 4), done + 1);
	}
	assert_int_equal(region_get(r, 8, 4), done);
	client_free(c);
	model_destroy(m);
}

/* ---- everything again as somebody without privilege ---- */

/* What the other run printed, as remarks of this one: its results are not ours, its failures are. */
static void remark_all(FILE *out)
{
	char line[1024];

	rewind(out);
	while (fgets(line, sizeof(line), out) != NULL)
		print_message("# as an ordinary user: %s", line);
}

static void test_ordinary_user(void **state)
{
	FILE *out;
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0 || ordinary_run)
		skip();
	out = tmpfile();
	assert_non_null(out);
	pid = fork();
	if (pid == 0) {
		(void)dup2(fileno(out), STDOUT_FILENO);
		(void)dup2(fileno(out), STDERR_FILENO);
		if (setresgid(ORDINARY, ORDINARY, ORDINARY) == 0 &&
		    setresuid(ORDINARY, ORDINARY, ORDINARY) == 0)
			(void)execl("/proc/self/exe", "test_pages", "ordinary", NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		remark_all(out);
	(void)fclose(out);
	assert_int_equal(status, 0);
}

static int setup(void **state)
{
	(void)state;
	return pages_init();
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SLOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW 1
#endif
#endif
#ifndef SLOW
#define SLOW 0
#endif

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accessors),
		cmocka_unit_test(test_out_of_range),
		cmocka_unit_test(test_region_of),
		cmocka_unit_test(test_live_in_window),
		cmocka_unit_test(test_two_processes),
		cmocka_unit_test(test_common_window),
		cmocka_unit_test(test_common_cheats),
		cmocka_unit_test(test_common_loses_nothing),
		cmocka_unit_test(test_many_pages),
		cmocka_unit_test(test_switch_loses_nothing),
		cmocka_unit_test(test_switch_pages_loses_nothing),
		cmocka_unit_test(test_contention_loses_nothing),
		cmocka_unit_test(test_register_drops),
		cmocka_unit_test(test_placements),
		cmocka_unit_test(test_placements_of_pieces),
		cmocka_unit_test(test_cheat_second_mapping),
		cmocka_unit_test(test_cheat_drops_pages),
		cmocka_unit_test(test_cheat_seals),
		cmocka_unit_test(test_cheat_immutable),
		cmocka_unit_test(test_unmap_while_loading),
		cmocka_unit_test(test_stopped_client),
		cmocka_unit_test(test_killed_client),
		cmocka_unit_test(test_reader_scribbles),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_view_loses_nothing),
		cmocka_unit_test(test_pin_loses_nothing),
		cmocka_unit_test(test_share_whole),
		cmocka_unit_test(test_share_ends),
		cmocka_unit_test(test_share_pieces),
		cmocka_unit_test(test_share_loses_nothing),
		cmocka_unit_test(test_recover),
		cmocka_unit_test(test_poison),
		cmocka_unit_test(test_kernel_faults),
		cmocka_unit_test(test_uffd_refused),
		cmocka_unit_test(test_mess),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_model_stress),
		cmocka_unit_test(test_ordinary_user),
	};
	const char *n = getenv("TEST_PAGES_SWITCHES");

	if (argc == 3 && strcmp(argv[1], "client") == 0)
		return client_main(atoi(argv[2]));
	ordinary_run = argc == 2 && strcmp(argv[1], "ordinary") == 0;
	if (SLOW) {
		switches = 4000;
		seconds_ms = 200;
	}
	if (n != NULL)
		switches = strtoul(n, NULL, 10);
	(void)signal(SIGPIPE, SIG_IGN);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (argc == 2 && !ordinary_run)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("pages", tests, setup, NULL);
}
