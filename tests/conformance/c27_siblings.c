/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * C27: devmap_unmap(9E) and devmap_access(9E) of one process and device exclude each other. Thread t
 * of process a touches what stands at a->base; a maps and unmaps the same pages a second time.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

static struct actor *a, *t;
static char *second; /* a's other mapping, of as many pages */

static int mapped_twice(unsigned pages)
{
	const int fd = control();

	a = new_actor_with("ctest0", 0, pages);
	t = new_thread(a);
	second = map_pages(a, 0, pages);
	return fd;
}

static bool is_of(const struct ctest_event *e, uint32_t what, pid_t pid)
{
	return e->what == what && e->pid == pid;
}

/* No call of one entry point runs while one of the other does. */
static void check_log(int fd, pid_t pid)
{
	const struct log l = get_log(fd);

	for (uint32_t i = 0; i < l.n; i++) {
		for (uint32_t j = 0; is_of(&l.ev[i], CT_UNMAP, pid) && j < l.n; j++) {
			if (!is_of(&l.ev[j], CT_ACCESS, pid))
				continue;
			CHECK(l.ev[i].seq_out != 0 && l.ev[j].seq_out != 0);
			CHECK(l.ev[i].seq_out < l.ev[j].seq_in || l.ev[j].seq_out < l.ev[i].seq_in);
		}
	}
}

static unsigned last_access(int fd)
{
	return events(fd, CT_ACCESS, a->pid);
}

static void unmap_first(void)
{
	const int fd = mapped_twice(2);
	struct actor *b = new_actor_with("ctest0", 0, 1);

	knob(fd, CT_GATE_UNMAP, a->pid);
	start_unmap(a, second, page);
	AWAIT(counts(fd).gated == 1);
	start_put(t, t->base, 1);
	put(b, b->base, 2); /* another process does not wait */
	for (int i = 0; i < 30; i++)
		nap();
	CHECK_EQ(last_access(fd), 0);
	CHECK(!finished(t));
	knob(fd, CT_GATE_UNMAP, 0);
	finish(a);
	finish(t);
	CHECK_EQ(t->signal, 0);
	CHECK_EQ(get(t, t->base), 1);
	check_log(fd, a->pid);
}

/* The access sleeps in the driver, for what does not come: it is interrupted, and asked for again. */
static void access_first(void)
{
	const int fd = mapped_twice(2);

	knob(fd, CT_GATE_ACCESS, a->pid);
	start_put(t, t->base, 1);
	AWAIT(counts(fd).gated == 1);
	CHECK_EQ(unmap(a, second, page), 0);
	CHECK_EQ(events(fd, CT_UNMAP, a->pid), 1);
	AWAIT(last_access(fd) >= 2);
	CHECK(!finished(t));
	knob(fd, CT_GATE_ACCESS, 0);
	finish(t);
	CHECK_EQ(t->signal, 0);
	CHECK_EQ(get(t, t->base), 1);
	check_log(fd, a->pid);
}

/* It waits for its turn, and keeps its place in the queue. */
static void access_waits_for_turn(void)
{
	const int fd = mapped_twice(2);
	struct actor *owner, *b = new_actor_with("ctest0", 0, 1);

	knob(fd, CT_HOLD_NS, FOR_EVER);
	owner = new_actor_with("ctest0", 0, 1);
	put(owner, owner->base, 1);
	start_put(t, t->base, 2);
	await_waiters("ctest0", 1);
	start_put(b, b->base, 3);
	await_waiters("ctest0", 2);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(unmap(a, second + i * page, page), 0);
		await_waiters("ctest0", 2);
	}
	clear_log(fd);
	leave_by_exit(owner);
	finish(t);
	finish(b);
	CHECK_EQ(t->signal, 0);
	CHECK_EQ(b->signal, 0);
	CHECK_EQ(event(fd, CT_CTXMGT, 0, 0).pid, a->pid);
	CHECK_EQ(event(fd, CT_CTXMGT, 0, 1).pid, b->pid);
}

/* So it is with mlock(2). */
static uint64_t do_lock(struct actor *me, const uint64_t *args)
{
	(void)me;
	return (uint64_t)mlock((void *)args[0], args[1]);
}

static void lock_waits_for_turn(void)
{
	const int fd = mapped_twice(2);
	struct actor *owner;

	knob(fd, CT_HOLD_NS, FOR_EVER);
	owner = new_actor_with("ctest0", 0, 1);
	put(owner, owner->base, 1);
	start(t, do_lock, ASK((uintptr_t)t->base, page));
	await_waiters("ctest0", 1);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(unmap(a, second + i * page, page), 0);
		await_waiters("ctest0", 1);
	}
	leave_by_exit(owner);
	CHECK_EQ(finish(t), 0);
	check_log(fd, a->pid);
}

static uint64_t do_map_other(struct actor *me, const uint64_t *args)
{
	const int fd = open_device("ctestz0");

	(void)args;
	me->base = DO(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	close(fd);
	return 0;
}

static void other_devices(void)
{
	const int fd = mapped_twice(2);

	close(reset_unit("ctestz0"));
	CHECK_EQ(ask(t, do_map_other, ASK(0)), 0);
	knob(fd, CT_GATE_UNMAP, a->pid);
	start_unmap(a, second, page);
	AWAIT(counts(fd).gated == 1);
	put(t, t->base, 5);
	CHECK_EQ(get(t, t->base), 5);
	CHECK(!finished(a));
	knob(fd, CT_GATE_UNMAP, 0);
	finish(a);
}

/* Exit: nothing is unmapped before the last access has returned. */
static void exit_waits(void)
{
	const int fd = mapped_twice(2);

	knob(fd, CT_GATE_CTXMGT, a->pid);
	start_put(t, t->base, 1);
	AWAIT(counts(fd).gated == 1);
	DO(kill(a->pid, SIGKILL));
	for (int i = 0; i < 30; i++)
		nap();
	CHECK_EQ(events(fd, CT_UNMAP, a->pid), 0);
	knob(fd, CT_GATE_CTXMGT, 0);
	(void)await_end(a);
	AWAIT(counts(fd).maps == 0);
	check_log(fd, a->pid);
}

/*
 * The driver loads all handles of the process on the page, as one does that has its lock in a page of
 * its own: it never meets one that is gone, and nobody gets a signal.
 */

static uint64_t do_stores(struct actor *me, const uint64_t *args)
{
	volatile uint64_t *p = (uint64_t *)args[0], *stop = (uint64_t *)args[1];
	uint64_t n = 0;

	(void)me;
	while (!*stop)
		*p = ++n;
	return n;
}

static uint64_t do_map_and_unmap(struct actor *me, const uint64_t *args)
{
	for (uint64_t i = 0; i < args[0]; i++) {
		volatile uint64_t *p =
			DO(mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, me->fd, 0));

		if (i % 2 == 0)
			*p = i;
		DO(munmap((char *)p + (i % 4 == 0 ? page : 0), page));
		DO(munmap((void *)p, 2 * page));
	}
	return 0;
}

static void storm(void)
{
	volatile uint64_t *stop = shared_memory(sizeof(*stop));
	const int fd = mapped_twice(2);
	struct actor *b = new_actor_with("ctest0", 0, 1);

	knob(fd, CT_LOAD_MODE, CT_L_SIBLINGS);
	start(t, do_stores, ASK((uintptr_t)t->base, (uintptr_t)stop));
	start(b, do_stores, ASK((uintptr_t)b->base, (uintptr_t)stop));
	CHECK_EQ(ask(a, do_map_and_unmap, ASK(150)), 0);
	CHECK_EQ(a->signal, 0);
	*stop = 1;
	finish(t);
	finish(b);
	CHECK_EQ(t->signal, 0);
	CHECK_EQ(b->signal, 0);
	CHECK_EQ(counts(fd).errors, 0);
	CHECK_EQ(counts(fd).overlaps, 0);
	check_log(fd, a->pid);
}

static const struct test tests[] = {
	{ "C27 an access waits for the unmap of a sibling", unmap_first },
	{ "C27 an unmap interrupts the access of a sibling", access_first },
	{ "C27 an access that waits for its turn keeps its place", access_waits_for_turn },
	{ "C27 a lock that waits for its turn goes on", lock_waits_for_turn },
	{ "C27 other devices do not wait", other_devices },
	{ "C27 exit waits for the accesses", exit_waits },
	{ "C27 a driver that loads siblings never meets one that is gone", storm },
};

MAIN(tests, 0)
