/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Statistics: what counts in them, and what others see of them. */
#define DEVMAP_MODULE_PART
#include "check.h"

#include <sys/kstat.h>

void check_kstat_life(struct check *c)
{
	kstat_t *k = kstat_create("ddit", 3, "life", "misc", KSTAT_TYPE_NAMED, 2, 0);
	kstat_named_t *kn;

	CHECK(c, k != NULL);
	CHECK_EQ(c, k->ks_data_size, 2 * sizeof(kstat_named_t));
	CHECK_EQ(c, k->ks_ndata, 2);
	CHECK_EQ(c, k->ks_flags, KSTAT_FLAG_INVALID);
	CHECK(c, k->ks_crtime > 0 && k->ks_crtime <= gethrtime());
	CHECK(c, kstat_create("ddit", 3, "life", "misc", KSTAT_TYPE_RAW, 1, 0) == NULL);
	kn = KSTAT_NAMED_PTR(k);
	CHECK_EQ(c, kn[0].name[0], 0);
	kstat_named_init(&kn[0], "a_name_of_more_than_thirty_characters", KSTAT_DATA_UINT64);
	CHECK_EQ(c, strlen(kn[0].name), KSTAT_STRLEN - 1);
	kstat_named_init(&kn[1], "text", KSTAT_DATA_STRING);
	kstat_named_setstr(&kn[1], "four");
	CHECK_EQ(c, KSTAT_NAMED_STR_BUFLEN(&kn[1]), 5);
	kstat_named_setstr(&kn[1], NULL);
	CHECK_EQ(c, KSTAT_NAMED_STR_BUFLEN(&kn[1]), 0);
	kstat_install(k);
	CHECK_EQ(c, k->ks_flags, 0);
	kstat_delete(k);
	k = kstat_create("ddit", 4, NULL, "misc", KSTAT_TYPE_IO, 1, 0);
	CHECK(c, k != NULL && strcmp(k->ks_name, "ddit4") == 0);
	CHECK_EQ(c, k->ks_data_size, sizeof(kstat_io_t));
	kstat_delete_byname("ddit", 4, "ddit4");
	k = kstat_create("ddit", 4, "ddit4", "misc", KSTAT_TYPE_RAW, 100, KSTAT_FLAG_VIRTUAL);
	CHECK(c, k != NULL && k->ks_data == NULL && k->ks_data_size == 100);
	kstat_delete(k);
	kstat_delete(NULL);
	kstat_delete_byname("ddit", 4, "ddit4");
}

void check_kstat_keeps(struct check *c)
{
	kstat_t *k =
		kstat_create("ddit", 0, "keeps", "misc", KSTAT_TYPE_INTR, 1, KSTAT_FLAG_PERSISTENT);

	CHECK(c, k != NULL);
	KSTAT_INTR_PTR(k)->intrs[KSTAT_INTR_SOFT] = 5;
	kstat_install(k);
	kstat_delete(k);
	CHECK(c, kstat_create("ddit", 0, "keeps", "misc", KSTAT_TYPE_INTR, 1, 0) == NULL);
	k = kstat_create("ddit", 0, "keeps", "misc", KSTAT_TYPE_INTR, 1, KSTAT_FLAG_PERSISTENT);
	CHECK(c, k != NULL);
	CHECK_EQ(c, KSTAT_INTR_PTR(k)->intrs[KSTAT_INTR_SOFT], 5);
	kstat_delete(k);
}

void check_kstat_queues(struct check *c)
{
	kstat_t *k = kstat_create("ddit", 0, "queues", "disk", KSTAT_TYPE_IO, 1, 0);
	kstat_io_t *io;

	CHECK(c, k != NULL);
	io = KSTAT_IO_PTR(k);
	kstat_waitq_enter(io);
	kstat_waitq_enter(io);
	CHECK_EQ(c, io->wcnt, 2);
	delay(3);
	kstat_waitq_to_runq(io);
	CHECK_EQ(c, io->wcnt, 1);
	CHECK_EQ(c, io->rcnt, 1);
	CHECK(c, io->wtime >= 2000000);
	CHECK(c, io->wlentime >= 2 * (io->wtime - 1000000));
	CHECK_EQ(c, io->rtime, 0);
	kstat_runq_back_to_waitq(io);
	CHECK_EQ(c, io->wcnt, 2);
	CHECK_EQ(c, io->rcnt, 0);
	kstat_waitq_exit(io);
	kstat_waitq_exit(io);
	kstat_runq_enter(io);
	kstat_runq_exit(io);
	CHECK_EQ(c, io->wcnt + io->rcnt, 0);
	CHECK(c, io->rlentime >= io->rtime && io->rlastupdate >= io->wlastupdate);
	kstat_delete(k);
}

void check_kstat_timers(struct check *c)
{
	kstat_timer_t t;

	kstat_timer_init(&t, "timer");
	kstat_timer_start(&t);
	delay(3);
	kstat_timer_stop(&t);
	CHECK_EQ(c, t.num_events, 1);
	CHECK(c, t.min_time >= 2000000);
	CHECK_EQ(c, t.min_time, t.max_time);
	kstat_timer_start(&t);
	kstat_timer_stop(&t);
	CHECK_EQ(c, t.num_events, 2);
	CHECK(c, t.min_time <= t.max_time);
	CHECK_EQ(c, t.elapsed_time, t.min_time + t.max_time);
}

/* A message for each, and nothing else happens. */
void check_kstat_mistakes(struct check *c)
{
	kstat_io_t io;
	kstat_named_t kn;
	kstat_t *k;

	bzero(&io, sizeof(io));
	kstat_waitq_exit(&io);
	kstat_runq_exit(&io);
	CHECK_EQ(c, io.wcnt + io.rcnt, 0);
	kstat_named_init(&kn, "number", KSTAT_DATA_INT32);
	kstat_named_setstr(&kn, "text");
	CHECK_EQ(c, kn.value.i32, 0);
	CHECK(c, kstat_create("ddit", 0, "two", "misc", KSTAT_TYPE_IO, 2, 0) == NULL);
	CHECK(c, kstat_create("ddit", 0, "type", "misc", 77, 1, 0) == NULL);
	CHECK(c, kstat_create("ddit", 0, "both", "misc", KSTAT_TYPE_RAW, 1,
			      KSTAT_FLAG_PERSISTENT | KSTAT_FLAG_VIRTUAL) == NULL);
	k = kstat_create("ddit", 0, "nothing", "misc", KSTAT_TYPE_RAW, 1, KSTAT_FLAG_VIRTUAL);
	CHECK(c, k != NULL);
	kstat_install(k);
	CHECK_EQ(c, k->ks_flags, KSTAT_FLAG_INVALID | KSTAT_FLAG_VIRTUAL);
	kstat_delete(k);
	kstat_delete((kstat_t *)&io);
}

/* What `devmap list` shows: see tests/conformance/ddi_kstats.c. */

static struct {
	kmutex_t lock;	   /* ks_lock of `updated` */
	kmutex_t gate;	   /* guards the next two */
	kcondvar_t opened; /* or somebody waits for it */
	boolean_t closed, waits;
	kstat_named_t number;
	kstat_t *named, *intr, *io, *timer, *raw, *updated, *failing;
} shown;

static int update(kstat_t *ksp, int rw)
{
	if (rw != KSTAT_READ || ksp->ks_private != &shown || !mutex_owned(&shown.lock))
		return EINVAL;
	mutex_enter(&shown.gate);
	shown.waits = shown.closed;
	cv_broadcast(&shown.opened);
	while (shown.closed)
		cv_wait(&shown.opened, &shown.gate);
	shown.waits = B_FALSE;
	mutex_exit(&shown.gate);
	shown.number.value.ui64++;
	return 0;
}

static int fail_update(kstat_t *ksp, int rw)
{
	return EACCES;
}

static int snapshot(kstat_t *ksp, void *buf, int rw)
{
	ksp->ks_snaptime = gethrtime();
	bcopy("\x12\x34", buf, 2);
	return 0;
}

static void show_named(void)
{
	kstat_named_t *kn;

	shown.named = kstat_create("ddit", 0, "named", "misc", KSTAT_TYPE_NAMED, 5, 0);
	kn = KSTAT_NAMED_PTR(shown.named);
	kstat_named_init(&kn[0], "int", KSTAT_DATA_INT32);
	kn[0].value.i32 = -7;
	kstat_named_init(&kn[1], "quote\"d", KSTAT_DATA_ULONG);
	kn[1].value.ul = 1UL << 40;
	kstat_named_init(&kn[2], "string", KSTAT_DATA_STRING);
	kstat_named_setstr(&kn[2], "a \"b\"\n");
	kstat_named_init(&kn[3], "char", KSTAT_DATA_CHAR);
	bcopy("sixteen letters.", kn[3].value.c, 16);
	kstat_named_init(&kn[4], "most", KSTAT_DATA_UINT64);
	kn[4].value.ui64 = UINT64_MAX;
	kstat_install(shown.named);
}

static void show_updated(void)
{
	kstat_named_init(&shown.number, "updates", KSTAT_DATA_UINT64);
	mutex_init(&shown.lock, NULL, MUTEX_DRIVER, NULL);
	shown.updated =
		kstat_create("ddit", 0, "updated", "misc", KSTAT_TYPE_NAMED, 1, KSTAT_FLAG_VIRTUAL);
	shown.updated->ks_data = &shown.number;
	shown.updated->ks_update = update;
	shown.updated->ks_private = &shown;
	shown.updated->ks_lock = &shown.lock;
	kstat_install(shown.updated);
	shown.failing = kstat_create("ddit", 0, "failing", "misc", KSTAT_TYPE_RAW, 2, 0);
	shown.failing->ks_update = fail_update;
	kstat_install(shown.failing);
}

void check_kstats_show(struct check *c)
{
	if (shown.named != NULL)
		return;
	show_named();
	show_updated();
	shown.intr = kstat_create("ddit", 0, "intr", "misc", KSTAT_TYPE_INTR, 1, 0);
	KSTAT_INTR_PTR(shown.intr)->intrs[KSTAT_INTR_SPURIOUS] = 3;
	kstat_install(shown.intr);
	shown.io = kstat_create("ddit", 0, "io", "disk", KSTAT_TYPE_IO, 1, 0);
	KSTAT_IO_PTR(shown.io)->nread = 8192;
	kstat_install(shown.io);
	shown.timer = kstat_create("ddit", 0, "timer", "misc", KSTAT_TYPE_TIMER, 1, 0);
	kstat_timer_init(KSTAT_TIMER_PTR(shown.timer), "one");
	kstat_install(shown.timer);
	shown.raw = kstat_create("ddit", 0, "raw", "misc", KSTAT_TYPE_RAW, 2, 0);
	shown.raw->ks_snapshot = snapshot;
	kstat_install(shown.raw);
	CHECK(c, kstat_create("ddit", 0, "unseen", "misc", KSTAT_TYPE_RAW, 2, 0) != NULL);
}

void check_kstats_hide(struct check *c)
{
	kstat_delete(shown.named);
	kstat_delete(shown.updated);
	kstat_delete(shown.failing);
	kstat_delete(shown.intr);
	kstat_delete(shown.io);
	kstat_delete(shown.timer);
	kstat_delete(shown.raw);
	kstat_delete_byname("ddit", 0, "unseen");
	shown.named = NULL;
}

void check_kstats_stall(struct check *c)
{
	mutex_enter(&shown.gate);
	shown.closed = B_TRUE;
	mutex_exit(&shown.gate);
}

/* What is stalled is so, and goes on. */
void check_kstats_go_on(struct check *c)
{
	mutex_enter(&shown.gate);
	while (!shown.waits)
		cv_wait(&shown.opened, &shown.gate);
	shown.closed = B_FALSE;
	cv_broadcast(&shown.opened);
	mutex_exit(&shown.gate);
}
