/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Memory and registers. The driver's model, ctesthw, has two sets that remember, and one more. */
#define DEVMAP_MODULE_PART
#include "check.h"

#include <sys/kmem.h>
#include <sys/param.h>
#include <sys/pci.h>

void check_kmem(struct check *c)
{
	char *p = kmem_zalloc(100, KM_SLEEP);

	CHECK_EQ(c, (uintptr_t)p % 8, 0);
	CHECK_EQ(c, p[99], 0);
	kmem_free(p, 100);
	kmem_free(NULL, 0);
	CHECK(c, kmem_alloc(0, KM_SLEEP) == NULL);
	CHECK(c, kmem_alloc(SIZE_MAX, KM_NOSLEEP) == NULL);
	CHECK(c, kmem_alloc((size_t)1 << 50, KM_NOSLEEP) == NULL);
}

void check_umem(struct check *c)
{
	ddi_umem_cookie_t cookie, trash;
	char *p = ddi_umem_alloc(PAGESIZE + 1, DDI_UMEM_SLEEP, &cookie);

	CHECK(c, p != NULL && cookie != NULL);
	CHECK_EQ(c, (uintptr_t)p % PAGESIZE, 0);
	CHECK_EQ(c, p[2 * PAGESIZE - 1], 0);
	p[0] = p[2 * PAGESIZE - 1] = 1;
	ddi_umem_free(cookie);
	ddi_umem_free(cookie); /* C26: a message */
	ddi_umem_free(NULL);
	CHECK(c, ddi_umem_alloc(PAGESIZE, DDI_UMEM_TRASH, &trash) == NULL);
	CHECK(c, trash != NULL);
	ddi_umem_free(trash);
	CHECK_EQ(c, ddi_umem_lock((caddr_t)&trash, 8, DDI_UMEMLOCK_READ, &cookie), ENOTSUP);
	CHECK(c, cookie == NULL);
	ddi_umem_unlock(&trash); /* C26: a message */
}

void check_umem_too_much(struct check *c)
{
	const size_t much[] = { 0, (size_t)1 << 50, (size_t)1 << 62, SIZE_MAX, SIZE_MAX / 2 };
	ddi_umem_cookie_t cookie;

	for (size_t i = 0; i < sizeof(much) / sizeof(much[0]); i++) {
		CHECK(c, ddi_umem_alloc(much[i], DDI_UMEM_SLEEP, &cookie) == NULL);
		CHECK(c, cookie == NULL);
		CHECK(c, ddi_umem_alloc(much[i], DDI_UMEM_NOSLEEP, &cookie) == NULL);
		CHECK(c, cookie == NULL);
	}
}

static ddi_acc_handle_t map(struct check *c, uchar_t order, offset_t off, offset_t len, void *addrp)
{
	ddi_device_acc_attr_t attr = { DDI_DEVICE_ATTR_V0, order, DDI_STRICTORDER_ACC, 0 };
	ddi_acc_handle_t h = NULL;
	caddr_t addr = NULL;

	(void)ddi_regs_map_setup(c->dip, 0, &addr, off, len, &attr, &h);
	bcopy(&addr, addrp, sizeof(addr));
	return h;
}

void check_regs_sets(struct check *c)
{
	ddi_acc_handle_t none;
	caddr_t addr;
	off_t size;
	int n;

	CHECK_EQ(c, ddi_dev_nregs(c->dip, &n), DDI_SUCCESS);
	CHECK_EQ(c, n, 3);
	CHECK_EQ(c, ddi_dev_regsize(c->dip, 1, &size), DDI_SUCCESS);
	CHECK_EQ(c, size, 32 * 4096);
	CHECK_EQ(c, ddi_dev_regsize(c->dip, 3, &size), DDI_FAILURE);
	CHECK_EQ(c, ddi_map_regs(c->dip, 1, &addr, 16, 0), DDI_SUCCESS);
	CHECK_EQ(c, (uintptr_t)addr % 4096, 16);
	ddi_unmap_regs(c->dip, 1, &addr, 16, 0);
	CHECK(c, addr == NULL);
	CHECK_EQ(c, ddi_regs_map_setup(c->dip, 5, &addr, 0, 0, NULL, &none), DDI_FAILURE);
	CHECK(c, none == NULL);
	CHECK_EQ(c, ddi_regs_map_setup(c->dip, 0, &addr, size - 1, 2, NULL, &none), DDI_FAILURE);
	CHECK_EQ(c, ddi_regs_map_setup(c->dip, 0, &addr, -1, 4, NULL, &none), DDI_FAILURE);
	CHECK_EQ(c, pci_config_setup(c->dip, &none), DDI_FAILURE);
	CHECK(c, none == NULL);
	CHECK_EQ(c, pci_config_get16(none, 0), UINT16_MAX); /* C26: a message */
}

void check_regs_access(struct check *c)
{
	uint32_t *p;
	ddi_acc_handle_t h = map(c, DDI_NEVERSWAP_ACC, 4096, 64, &p);

	CHECK(c, h != NULL);
	ddi_put32(h, p, 0x11223344);
	CHECK_EQ(c, ddi_get32(h, p), 0x11223344);
	CHECK_EQ(c, ddi_get8(h, (uint8_t *)p), 0x44);
	CHECK_EQ(c, ddi_get16(h, (uint16_t *)p + 1), 0x1122);
	ddi_put64(h, (uint64_t *)(p + 2), 0x0102030405060708);
	CHECK_EQ(c, ddi_get64(h, (uint64_t *)(p + 2)), 0x0102030405060708);
	ddi_put16(h, (uint16_t *)(p + 15) + 1, 0xbeef); /* the last two bytes */
	CHECK_EQ(c, ddi_get32(h, p + 15) >> 16, 0xbeef);
	ddi_put8(h, (uint8_t *)p + 1, 0xab);
	CHECK_EQ(c, ddi_get32(h, p), 0x1122ab44);
	ddi_regs_map_free(&h);
	CHECK(c, h == NULL);
}

void check_regs_endian(struct check *c)
{
	uint8_t *p;
	ddi_acc_handle_t be = map(c, DDI_STRUCTURE_BE_ACC, 0, 0, &p);
	ddi_acc_handle_t le = map(c, DDI_STRUCTURE_LE_ACC, 0, 0, &p);

	CHECK(c, be != NULL && le != NULL);
	ddi_put32(be, (uint32_t *)p, 0x11223344);
	CHECK_EQ(c, ddi_get8(be, p), 0x11);
	CHECK_EQ(c, ddi_get8(be, p + 3), 0x44);
	CHECK_EQ(c, ddi_get32(be, (uint32_t *)p), 0x11223344);
	CHECK_EQ(c, ddi_get32(le, (uint32_t *)p), 0x44332211);
	ddi_put16(be, (uint16_t *)p, 0x1122);
	CHECK_EQ(c, ddi_get16(le, (uint16_t *)p), 0x2211);
	ddi_put64(be, (uint64_t *)p, 0x1122334455667788);
	CHECK_EQ(c, ddi_get64(le, (uint64_t *)p), 0x8877665544332211);
	ddi_regs_map_free(&be);
	ddi_regs_map_free(&le);
}

#define NREP 1500

void check_regs_rep(struct check *c)
{
	uint32_t *in = kmem_zalloc(2 * NREP * sizeof(*in), KM_SLEEP), *out = in + NREP;
	uint16_t two[2] = { 0x0102, 0x0304 };
	uint32_t *p;
	ddi_acc_handle_t be = map(c, DDI_STRUCTURE_BE_ACC, 0, 0, &p);
	ddi_acc_handle_t le = map(c, DDI_STRUCTURE_LE_ACC, 0, 0, &p);

	for (uint32_t i = 0; i < NREP; i++)
		in[i] = i * 0x01010101u + 0x1234u;
	ddi_rep_put32(be, in, p, NREP, DDI_DEV_AUTOINCR);
	CHECK_EQ(c, ddi_get32(le, p + 7), __builtin_bswap32(in[7]));
	CHECK_EQ(c, ddi_get32(le, p + NREP - 1), __builtin_bswap32(in[NREP - 1]));
	ddi_rep_get32(be, out, p, NREP, DDI_DEV_AUTOINCR);
	CHECK_EQ(c, memcmp(in, out, NREP * sizeof(*in)), 0);
	ddi_rep_get32(le, out, p, NREP, DDI_DEV_AUTOINCR);
	CHECK_EQ(c, out[NREP - 1], __builtin_bswap32(in[NREP - 1]));
	ddi_rep_put32(be, in, p, 3, DDI_DEV_NO_AUTOINCR); /* the last one stays */
	CHECK_EQ(c, ddi_get32(be, p), in[2]);
	CHECK_EQ(c, ddi_get32(be, p + 1), in[1]);
	ddi_rep_get32(be, out, p, 2, DDI_DEV_NO_AUTOINCR);
	CHECK(c, out[0] == in[2] && out[1] == in[2]);
	ddi_rep_put16(be, two, (uint16_t *)p, 2, DDI_DEV_AUTOINCR);
	CHECK_EQ(c, ddi_get32(be, p), 0x01020304);
	/* From the registers to themselves. */
	ddi_rep_put32(le, p, p + 100, 10, DDI_DEV_AUTOINCR);
	CHECK_EQ(c, ddi_get32(be, p + 109), in[9]);
	ddi_rep_get8(be, (uint8_t *)out, (uint8_t *)p, 0, DDI_DEV_AUTOINCR);
	ddi_regs_map_free(&be);
	ddi_regs_map_free(&le);
	kmem_free(in, 2 * NREP * sizeof(*in));
}

void check_regs_outside(struct check *c)
{
	uint32_t *p, *all, three[3] = { 1, 2, 3 };
	ddi_acc_handle_t h = map(c, DDI_NEVERSWAP_ACC, 16, 8, &p);
	ddi_acc_handle_t whole = map(c, DDI_NEVERSWAP_ACC, 0, 0, &all);

	CHECK(c, h != NULL && whole != NULL);
	ddi_put32(whole, p + 2, 5);
	ddi_put32(h, p + 2, 7);
	CHECK_EQ(c, ddi_get32(whole, p + 2), 5);
	CHECK_EQ(c, ddi_get32(h, p + 2), UINT32_MAX);
	CHECK_EQ(c, ddi_get8(h, (uint8_t *)p - 1), UINT8_MAX);
	CHECK_EQ(c, ddi_get32(h, (uint32_t *)((uintptr_t)p + 1)), UINT32_MAX);
	CHECK_EQ(c, ddi_get64(h, (uint64_t *)(p + 1)), -1);
	ddi_rep_get32(h, three, p, 3, DDI_DEV_AUTOINCR);
	CHECK_EQ(c, three[2], UINT32_MAX);
	CHECK_EQ(c, ddi_get16(NULL, (uint16_t *)p), UINT16_MAX);
	ddi_regs_map_free(&whole);
	ddi_regs_map_free(&h);
	ddi_regs_map_free(&h); /* C26: a message */
}

void check_regs_peek(struct check *c)
{
	char out[8] = "abcdefg", in[8] = { 0 };
	iovec_t iov = { .iov_base = out, .iov_len = 8 };
	uio_t uio = { .uio_iov = &iov, .uio_iovcnt = 1, .uio_resid = 8, .uio_segflg = UIO_SYSSPACE };
	char *p;
	ddi_acc_handle_t h = map(c, DDI_NEVERSWAP_ACC, 0, 0, &p);
	int32_t v32 = 5;
	int64_t v64;
	int8_t v8;

	CHECK(c, h != NULL);
	CHECK_EQ(c, ddi_poke32(c->dip, (int32_t *)p, -2), DDI_SUCCESS);
	CHECK_EQ(c, ddi_peekl(c->dip, (int32_t *)p, &v32), DDI_SUCCESS);
	CHECK_EQ(c, v32, -2);
	CHECK_EQ(c, ddi_poke64(c->dip, (int64_t *)p + 1, 0x1122334455667788), DDI_SUCCESS);
	CHECK_EQ(c, ddi_peek64(c->dip, (int64_t *)p + 1, &v64), DDI_SUCCESS);
	CHECK_EQ(c, v64, 0x1122334455667788);
	CHECK_EQ(c, ddi_pokec(c->dip, (int8_t *)p + 8, 3), DDI_SUCCESS);
	CHECK_EQ(c, ddi_peek8(c->dip, (int8_t *)p + 8, &v8), DDI_SUCCESS);
	CHECK_EQ(c, v8, 3);
	CHECK_EQ(c, ddi_peek16(c->dip, (int16_t *)p, NULL), DDI_SUCCESS);
	v32 = 5;
	CHECK_EQ(c, ddi_peek32(c->dip, (int32_t *)(p + 2), &v32), DDI_FAILURE); /* not aligned */
	CHECK_EQ(c, ddi_peek32(c->dip, &v32, &v32), DDI_FAILURE);
	CHECK_EQ(c, ddi_poke32(c->dip, (int32_t *)(intptr_t)-4096, 0), DDI_FAILURE);
	CHECK_EQ(c, v32, 5);
	CHECK_EQ(c, ddi_peekpokeio(c->dip, &uio, UIO_WRITE, p + 16, 8, 2), DDI_SUCCESS);
	CHECK_EQ(c, uio.uio_resid, 0);
	iov = (iovec_t){ .iov_base = in, .iov_len = 8 };
	uio.uio_iov = &iov;
	uio.uio_iovcnt = 1;
	uio.uio_resid = 8;
	CHECK_EQ(c, ddi_peekpokeio(c->dip, &uio, UIO_READ, p + 16, 8, 4), DDI_SUCCESS);
	CHECK(c, strcmp(in, "abcdefg") == 0);
	CHECK_EQ(c, ddi_peekpokeio(c->dip, &uio, UIO_READ, p + 16, 8, 3), DDI_FAILURE);
	ddi_regs_map_free(&h);
}
