/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See fake_pages.h. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sys/param.h>
#include <sys/sysmacros.h>

#include "core.h"
#include "fake_pages.h"
#include "model.h"
#include "pages.h"

static atomic_int regions, memories;
static _Thread_local bool locked;

int fake_regions(void)
{
	return regions;
}

int fake_memories(void)
{
	return memories;
}

bool fake_region_locked(void)
{
	return locked;
}

/* Pages. */

struct region {
	size_t len;
	char *view;
	pthread_mutex_t lock;
};

void pages_keep(bool keep)
{
	(void)keep;
}

int region_create(const char *name, size_t len, struct region **out)
{
	struct region *r = calloc(1, sizeof(*r));

	(void)name;
	if (r == NULL)
		return -ENOMEM;
	r->len = P2ROUNDUP(len, (size_t)PAGESIZE);
	r->view = mmap(NULL, r->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->view == MAP_FAILED) {
		free(r);
		return -ENOMEM;
	}
	(void)pthread_mutex_init(&r->lock, NULL);
	regions++;
	*out = r;
	return 0;
}

void region_destroy(struct region *r)
{
	(void)munmap(r->view, r->len);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
	regions--;
}

size_t region_len(const struct region *r)
{
	return r->len;
}

void *region_view(struct region *r)
{
	return r->view;
}

/* Under the lock, a copy in one direction or the other. */
static void region_copy(struct region *r, void *to, const void *from, size_t len)
{
	(void)pthread_mutex_lock(&r->lock);
	locked = true;
	memcpy(to, from, len);
	locked = false;
	(void)pthread_mutex_unlock(&r->lock);
}

uint64_t region_get(struct region *r, size_t off, unsigned width)
{
	uint64_t v = 0;

	/* Little-endian, as every machine that this test is run on. */
	region_copy(r, &v, r->view + off, width);
	return v;
}

void region_put(struct region *r, size_t off, unsigned width, uint64_t value)
{
	region_copy(r, r->view + off, &value, width);
}

void region_read(struct region *r, size_t off, void *buf, size_t len)
{
	region_copy(r, buf, r->view + off, len);
}

void region_write(struct region *r, size_t off, const void *buf, size_t len)
{
	region_copy(r, r->view + off, buf, len);
}

/* Core. */

int devmap_memory_init(struct devmap_memory *m, const char *name, size_t len)
{
	(void)snprintf(m->mem_name, sizeof(m->mem_name), "%s", name);
	m->mem_npages = btopr(len);
	memories++;
	return 0;
}

void devmap_memory_fini(struct devmap_memory *m)
{
	(void)m;
	memories--;
}

/* Models. */

#define SETS 4

struct devmap_model {
	const struct devmap_model_ops *ops;
	dev_info_t *dip;
	struct region *sets[SETS];
	int n;
};

int model_attach(const struct devmap_model_ops *ops, const char *name, dev_info_t *dip,
		 struct devmap_model **out)
{
	struct devmap_model *m = calloc(1, sizeof(*m));
	int error;

	(void)name;
	if (m == NULL)
		return -ENOMEM;
	m->ops = ops;
	m->dip = dip;
	error = ops->attach(m);
	if (error != 0) {
		for (int i = 0; i < m->n; i++)
			region_destroy(m->sets[i]);
		free(m);
		return -error;
	}
	*out = m;
	return 0;
}

void model_detach(struct devmap_model *m)
{
	m->ops->detach(m);
	for (int i = 0; i < m->n; i++)
		region_destroy(m->sets[i]);
	free(m);
}

int model_nregs(const struct devmap_model *m)
{
	return m->n;
}

struct region *model_region(const struct devmap_model *m, int set)
{
	return m->sets[set];
}

int devmap_model_prop_int(struct devmap_model *m, const char *name, int dflt)
{
	return ddi_prop_get_int(DDI_DEV_T_ANY, m->dip, 0, name, dflt);
}

int devmap_model_add_regs(struct devmap_model *m, size_t len)
{
	if (m->n == SETS || region_create("set", len, &m->sets[m->n]) != 0)
		return -1;
	return m->n++;
}

/* What was said. */

static int log_fd = -1, log_saved = -1;

void log_capture(void)
{
	log_fd = memfd_create("log", 0);
	log_saved = dup(STDERR_FILENO);
	(void)dup2(log_fd, STDERR_FILENO);
}

const char *log_captured(void)
{
	static char text[65536];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	(void)dup2(log_saved, STDERR_FILENO);
	(void)close(log_saved);
	(void)close(log_fd);
	return text;
}
