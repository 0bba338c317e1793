/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Statistics as JSON. */
#include <sys/systm.h>

#include "kstat.h"
#include "port.h"

#define RAW_MAX	  4096		/* bytes that are shown */
#define NAMED_MAX 1024		/* and so many entries */
#define TEXT_MAX  (1024 * 1024) /* of one kstat */

void text_put(struct text *t, const char *format, ...)
{
	const bool room = t->len < t->size;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(room ? t->at + t->len : NULL, room ? t->size - t->len : 0, format, ap);
	va_end(ap);
	t->len += n > 0 ? (size_t)n : 0;
}

/* A string of a driver: what is not printable is shown as such. */
void text_put_string(struct text *t, const char *string, size_t size)
{
	text_put(t, "\"");
	for (size_t i = 0; i < size && string[i] != '\0'; i++)
		text_put(t, "%s%c", string[i] == '"' || string[i] == '\\' ? "\\" : "",
			 string[i] >= ' ' && string[i] <= '~' ? string[i] : '?');
	text_put(t, "\"");
}

/* JSON's readers take integers up to INT64_MAX; beyond, a number with a point. */
static void put_u64(struct text *t, u_longlong_t value)
{
	text_put(t, value > INT64_MAX ? "%llu.0" : "%llu", value);
}

static void put_value(struct text *t, const kstat_named_t *kn)
{
	switch (kn->data_type) {
	case KSTAT_DATA_CHAR:
		text_put_string(t, kn->value.c, sizeof(kn->value.c));
		break;
	case KSTAT_DATA_INT32:
		text_put(t, "%d", kn->value.i32);
		break;
	case KSTAT_DATA_UINT32:
		text_put(t, "%u", kn->value.ui32);
		break;
	case KSTAT_DATA_INT64:
	case KSTAT_DATA_LONG:
		text_put(t, "%lld", (longlong_t)kn->value.i64);
		break;
	case KSTAT_DATA_UINT64:
	case KSTAT_DATA_ULONG:
		put_u64(t, (u_longlong_t)kn->value.ui64);
		break;
	case KSTAT_DATA_STRING:
		if (KSTAT_NAMED_STR_PTR(kn) != NULL)
			text_put_string(t, KSTAT_NAMED_STR_PTR(kn), KSTAT_NAMED_STR_BUFLEN(kn));
		else
			text_put(t, "null");
		break;
	default:
		text_put(t, "null");
	}
}

static void put_named(struct text *t, const kstat_named_t *kn, size_t n)
{
	for (size_t i = 0; i < MIN(n, NAMED_MAX); i++) {
		text_put(t, i == 0 ? "" : ",");
		text_put_string(t, kn[i].name, sizeof(kn[i].name));
		text_put(t, ":");
		put_value(t, &kn[i]);
	}
}

static void put_timers(struct text *t, const kstat_timer_t *kt, size_t n)
{
	for (size_t i = 0; i < MIN(n, NAMED_MAX); i++) {
		text_put(t, i == 0 ? "" : ",");
		text_put_string(t, kt[i].name, sizeof(kt[i].name));
		text_put(t, ":{\"num_events\":");
		put_u64(t, kt[i].num_events);
		text_put(t, ",\"elapsed_time\":%lld,\"min_time\":%lld,", kt[i].elapsed_time,
			 kt[i].min_time);
		text_put(t, "\"max_time\":%lld,\"start_time\":%lld,\"stop_time\":%lld}",
			 kt[i].max_time, kt[i].start_time, kt[i].stop_time);
	}
}

static void put_intr(struct text *t, const kstat_intr_t *ki)
{
	text_put(t,
		 "\"hard\":%u,\"soft\":%u,\"watchdog\":%u,\"spurious\":%u,\"multiple_service\":%u",
		 ki->intrs[KSTAT_INTR_HARD], ki->intrs[KSTAT_INTR_SOFT],
		 ki->intrs[KSTAT_INTR_WATCHDOG], ki->intrs[KSTAT_INTR_SPURIOUS],
		 ki->intrs[KSTAT_INTR_MULTSVC]);
}

static void put_io(struct text *t, const kstat_io_t *io)
{
	text_put(t, "\"nread\":");
	put_u64(t, io->nread);
	text_put(t, ",\"nwritten\":");
	put_u64(t, io->nwritten);
	text_put(t, ",\"reads\":%u,\"writes\":%u,", io->reads, io->writes);
	text_put(t, "\"wtime\":%lld,\"wlentime\":%lld,\"wlastupdate\":%lld,\"wcnt\":%u,", io->wtime,
		 io->wlentime, io->wlastupdate, io->wcnt);
	text_put(t, "\"rtime\":%lld,\"rlentime\":%lld,\"rlastupdate\":%lld,\"rcnt\":%u", io->rtime,
		 io->rlentime, io->rlastupdate, io->rcnt);
}

static void put_raw(struct text *t, const uchar_t *data, size_t n)
{
	for (size_t i = 0; i < MIN(n, RAW_MAX); i++)
		text_put(t, "%02x", data[i]);
}

static void put_data(struct text *t, const kstat_t *ks, const void *data)
{
	const bool raw = ks->ks_type == KSTAT_TYPE_RAW;

	text_put(t, "\"data\":%s", raw ? "\"" : "{");
	switch (ks->ks_type) {
	case KSTAT_TYPE_NAMED:
		put_named(t, data, MIN(ks->ks_ndata, ks->ks_data_size / sizeof(kstat_named_t)));
		break;
	case KSTAT_TYPE_TIMER:
		put_timers(t, data, MIN(ks->ks_ndata, ks->ks_data_size / sizeof(kstat_timer_t)));
		break;
	case KSTAT_TYPE_INTR:
		put_intr(t, data);
		break;
	case KSTAT_TYPE_IO:
		put_io(t, data);
		break;
	default:
		put_raw(t, data, ks->ks_data_size);
	}
	text_put(t, raw ? "\"" : "}");
}

char *stat_text(const kstat_t *ks, const void *data)
{
	struct text t = { .size = 256 };

	for (; t.size <= TEXT_MAX; t.size = t.len + 64) {
		t.at = port_alloc(t.size);
		if (t.at == NULL)
			return NULL;
		t.len = 0;
		put_data(&t, ks, data);
		if (t.len < t.size)
			return t.at;
		port_free(t.at);
	}
	return NULL;
}

/* kstats_lock is held. */
static void put_stat(struct text *t, const struct statistic *s, bool first)
{
	const kstat_t *ks = &s->ks;
	static const char *const types[KSTAT_NUM_TYPES] = { "raw", "named", "intr", "io", "timer" };

	ASSERT(MUTEX_HELD(&kstats_lock));
	text_put(t, "%s{\"module\":", first ? "" : ",");
	text_put_string(t, ks->ks_module, sizeof(ks->ks_module));
	text_put(t, ",\"instance\":%d,\"name\":", ks->ks_instance);
	text_put_string(t, ks->ks_name, sizeof(ks->ks_name));
	text_put(t, ",\"class\":");
	text_put_string(t, ks->ks_class, sizeof(ks->ks_class));
	text_put(t, ",\"type\":\"%s\",\"crtime\":%lld,\"snaptime\":%lld", types[ks->ks_type],
		 ks->ks_crtime, s->taken);
	/* What a driver's own function is at work on for longer than anybody waits. */
	text_put(t, ",\"stale\":%s", s->looked_at ? "true" : "false");
	text_put(t, ",%s}", s->text != NULL ? s->text : "\"data\":null");
}

size_t kstats_text(const char *driver, int instance, char *buf, size_t size)
{
	struct text t = { .at = buf, .size = size };
	bool first = true;

	text_put(&t, "[");
	mutex_enter(&kstats_lock);
	for (const struct statistic *s = kstats; s != NULL; s = s->next) {
		if (!stat_is_shown(s) || s->ks.ks_instance != instance ||
		    strcmp(s->driver, driver) != 0)
			continue;
		put_stat(&t, s, first);
		first = false;
	}
	mutex_exit(&kstats_lock);
	text_put(&t, "]");
	return t.len;
}
