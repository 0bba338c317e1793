/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Properties, soft state, uio(9S), pages. The driver is loaded with the properties named here. */
#define DEVMAP_MODULE_PART
#include "check.h"

#include <sys/param.h>
#include <sys/modctl.h>
#include <sys/uio.h>

#define GET(name, dflt) ddi_prop_get_int(DDI_DEV_T_ANY, c->dip, 0, name, dflt)

static int set_and_get(struct check *c, const char *text)
{
	(void)ddi_prop_update_string(DDI_DEV_T_NONE, c->dip, "probed", text);
	return GET("probed", -777);
}

void check_prop_ints(struct check *c)
{
	int *array = NULL;
	uint_t n = 0;

	CHECK_EQ(c, GET("number", 7), 42);
	CHECK_EQ(c, GET("text", 7), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, ddi_getprop(DDI_DEV_T_ANY, c->dip, 0, "text", 8), 8);
	CHECK_EQ(c, ddi_getprop(DDI_DEV_T_ANY, c->dip, 0, "nothing", 8), 8);
	CHECK_EQ(c, set_and_get(c, "0xffffffff"), -1);
	CHECK_EQ(c, set_and_get(c, "0XaB"), 0xab);
	CHECK_EQ(c, set_and_get(c, "-0x10"), -16);
	CHECK_EQ(c, set_and_get(c, "010"), 8);
	CHECK_EQ(c, set_and_get(c, "0"), 0);
	CHECK_EQ(c, set_and_get(c, "+5"), 5);
	CHECK_EQ(c, set_and_get(c, "4294967295"), -1);
	CHECK_EQ(c, set_and_get(c, "-2147483648"), INT32_MIN);
	CHECK_EQ(c, set_and_get(c, "4294967296"), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, set_and_get(c, "-2147483649"), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, set_and_get(c, "18446744073709551617"), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, set_and_get(c, ""), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, set_and_get(c, "-"), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, set_and_get(c, "0x"), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, set_and_get(c, "08"), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, set_and_get(c, " 1"), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, set_and_get(c, "1 "), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, set_and_get(c, "1\n"), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, set_and_get(c, "--1"), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, ddi_prop_lookup_int_array(DDI_DEV_T_ANY, c->dip, 0, "number", &array, &n), 0);
	CHECK(c, n == 1 && array[0] == 42);
	ddi_prop_free(array);
	CHECK_EQ(c, ddi_prop_lookup_int_array(DDI_DEV_T_ANY, c->dip, 0, "text", &array, &n),
		 DDI_PROP_CANNOT_DECODE);
}

void check_prop_texts(struct check *c)
{
	char *text = NULL;

	CHECK_EQ(c, ddi_prop_exists(DDI_DEV_T_ANY, c->dip, 0, "text"), 1);
	CHECK_EQ(c, ddi_prop_exists(DDI_DEV_T_ANY, c->dip, 0, "nothing"), 0);
	CHECK_EQ(c, ddi_prop_lookup_string(DDI_DEV_T_ANY, c->dip, 0, "number", &text), 0);
	CHECK(c, strcmp(text, "42") == 0);
	ddi_prop_free(text);
	CHECK_EQ(c, ddi_prop_lookup_string(DDI_DEV_T_ANY, c->dip, 0, "nothing", &text),
		 DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, ddi_prop_update_int(DDI_DEV_T_NONE, c->dip, "new", -5), 0);
	CHECK_EQ(c, GET("new", 7), -5);
	CHECK_EQ(c, ddi_prop_update_string(DDI_DEV_T_NONE, c->dip, "new", "thing"), 0);
	CHECK_EQ(c, GET("new", 7), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, ddi_prop_exists(DDI_DEV_T_ANY, c->dip, 0, "new"), 1);
	CHECK_EQ(c, ddi_prop_update_string(DDI_DEV_T_NONE, c->dip, "", "x"), DDI_PROP_INVAL_ARG);
	CHECK_EQ(c, ddi_prop_update_string(DDI_DEV_T_NONE, c->dip, "x", NULL), DDI_PROP_INVAL_ARG);
}

void check_prop_old(struct check *c)
{
	char buf[8], number[] = "number", text[] = "text", *copy = NULL;
	int len = 0;

	CHECK_EQ(c, ddi_getlongprop(DDI_DEV_T_ANY, c->dip, 0, text, (caddr_t)&copy, &len), 0);
	CHECK_EQ(c, len, 6);
	CHECK(c, strcmp(copy, "hello") == 0);
	kmem_free(copy, (size_t)len);
	len = 0;
	CHECK_EQ(c, ddi_prop_op(DDI_DEV_T_ANY, c->dip, PROP_LEN, 0, number, NULL, &len), 0);
	CHECK_EQ(c, len, sizeof(int));
	CHECK_EQ(c, ddi_prop_op(DDI_DEV_T_ANY, c->dip, PROP_LEN_AND_VAL_BUF, 0, text, buf, &len),
		 DDI_PROP_BUF_TOO_SMALL);
	len = sizeof(buf);
	CHECK_EQ(c, ddi_prop_op(DDI_DEV_T_ANY, c->dip, PROP_LEN_AND_VAL_BUF, 0, text, buf, &len),
		 0);
	CHECK(c, strcmp(buf, "hello") == 0);
}

void check_prop_arrays(struct check *c)
{
	char one[] = "one", empty[] = "", three[] = "three", *in[] = { one, empty, three };
	int ints[] = { 3, -4, 5 }, *iv = NULL;
	int64_t wide[] = { 1LL << 40, -1 }, *wv = NULL;
	uchar_t bytes[] = { 1, 0, 255 }, *bv = NULL;
	char **sv = NULL;
	uint_t n = 0;

	CHECK_EQ(c, ddi_prop_update_int_array(DDI_DEV_T_NONE, c->dip, "ints", ints, 3), 0);
	CHECK_EQ(c, ddi_prop_lookup_int_array(DDI_DEV_T_ANY, c->dip, 0, "ints", &iv, &n), 0);
	CHECK(c, n == 3 && memcmp(iv, ints, sizeof(ints)) == 0);
	ddi_prop_free(iv);
	CHECK_EQ(c, GET("ints", 9), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, ddi_prop_update_int64_array(DDI_DEV_T_NONE, c->dip, "wide", wide, 2), 0);
	CHECK_EQ(c, ddi_prop_lookup_int64_array(DDI_DEV_T_ANY, c->dip, 0, "wide", &wv, &n), 0);
	CHECK(c, n == 2 && memcmp(wv, wide, sizeof(wide)) == 0);
	ddi_prop_free(wv);
	CHECK_EQ(c, ddi_prop_update_int64(DDI_DEV_T_NONE, c->dip, "wide", wide[0]), 0);
	CHECK_EQ(c, ddi_prop_get_int64(DDI_DEV_T_ANY, c->dip, 0, "wide", 5), wide[0]);
	CHECK_EQ(c, ddi_prop_get_int64(DDI_DEV_T_ANY, c->dip, 0, "number", 5), 42);
	CHECK_EQ(c, ddi_prop_update_byte_array(DDI_DEV_T_NONE, c->dip, "bytes", bytes, 3), 0);
	CHECK_EQ(c, ddi_prop_lookup_byte_array(DDI_DEV_T_ANY, c->dip, 0, "bytes", &bv, &n), 0);
	CHECK(c, n == 3 && memcmp(bv, bytes, 3) == 0);
	ddi_prop_free(bv);
	CHECK_EQ(c, ddi_prop_update_string_array(DDI_DEV_T_NONE, c->dip, "strings", in, 3), 0);
	CHECK_EQ(c, ddi_prop_lookup_string_array(DDI_DEV_T_ANY, c->dip, 0, "strings", &sv, &n), 0);
	CHECK(c, n == 3 && strcmp(sv[0], one) == 0 && sv[1][0] == '\0' &&
			 strcmp(sv[2], three) == 0 && sv[3] == NULL);
	ddi_prop_free(sv);
	CHECK_EQ(c, ddi_prop_lookup_string_array(DDI_DEV_T_ANY, c->dip, 0, "text", &sv, &n), 0);
	CHECK(c, n == 1 && strcmp(sv[0], "hello") == 0);
	ddi_prop_free(sv);
	ddi_prop_remove_all(c->dip);
	CHECK_EQ(c, ddi_prop_exists(DDI_DEV_T_ANY, c->dip, 0, "strings"), 0);
	CHECK_EQ(c, GET("number", 7), 42);
}

void check_prop_stacks(struct check *c)
{
	int value = 5, len = 9, buf = 0;
	caddr_t bytes = (caddr_t)&value, copy = NULL;

	CHECK_EQ(c, ddi_prop_create(DDI_DEV_T_NONE, c->dip, 0, "number", bytes, sizeof(int)), 0);
	CHECK_EQ(c, GET("number", 7), 5);
	value = 6;
	CHECK_EQ(c, ddi_prop_create(DDI_DEV_T_NONE, c->dip, 0, "number", bytes, sizeof(int)), 0);
	CHECK_EQ(c, GET("number", 7), 6);
	value = 8;
	CHECK_EQ(c, ddi_prop_modify(DDI_DEV_T_NONE, c->dip, 0, "number", bytes, sizeof(int)), 0);
	CHECK_EQ(c, GET("number", 7), 8);
	CHECK_EQ(c, ddi_prop_undefine(DDI_DEV_T_NONE, c->dip, 0, "number"), 0);
	CHECK_EQ(c, GET("number", 7), 7);
	CHECK_EQ(c, ddi_getproplen(DDI_DEV_T_ANY, c->dip, 0, "number", &len), DDI_PROP_UNDEFINED);
	CHECK_EQ(c, ddi_prop_remove(DDI_DEV_T_NONE, c->dip, "number"), 0);
	CHECK_EQ(c, GET("number", 7), 8);
	CHECK_EQ(c, ddi_prop_remove(DDI_DEV_T_NONE, c->dip, "number"), 0);
	CHECK_EQ(c, GET("number", 7), 5);
	CHECK_EQ(c, ddi_prop_remove(DDI_DEV_T_NONE, c->dip, "number"), 0);
	CHECK_EQ(c, GET("number", 7), 42);
	CHECK_EQ(c, ddi_prop_remove(DDI_DEV_T_NONE, c->dip, "number"), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, ddi_prop_create(DDI_DEV_T_NONE, c->dip, 0, "flag", NULL, 0), 0);
	CHECK_EQ(c, ddi_getprop(DDI_DEV_T_ANY, c->dip, 0, "flag", 0), 1);
	CHECK_EQ(c, ddi_getlongprop(DDI_DEV_T_ANY, c->dip, 0, "flag", (caddr_t)&copy, &len), 0);
	CHECK(c, copy == NULL && len == 0);
	/* Of one minor only. */
	CHECK_EQ(c, ddi_prop_create(77, c->dip, 0, "minor", bytes, sizeof(int)), 0);
	CHECK_EQ(c, ddi_prop_exists(78, c->dip, 0, "minor"), 0);
	CHECK_EQ(c, ddi_prop_exists(77, c->dip, 0, "minor"), 1);
	len = sizeof(buf);
	CHECK_EQ(c, ddi_getlongprop_buf(77, c->dip, 0, "minor", (caddr_t)&buf, &len), 0);
	CHECK_EQ(c, buf, 8);
	ddi_prop_remove_all(c->dip);
	CHECK_EQ(c, ddi_prop_exists(DDI_DEV_T_ANY, c->dip, 0, "minor"), 0);
}

void check_prop_wrong(struct check *c)
{
	char x[] = "x", *strings[] = { x, NULL }, *text = NULL;
	uchar_t *bytes = NULL;
	uint_t n = 0;

	CHECK_EQ(c, ddi_prop_create(DDI_DEV_T_ANY, c->dip, 0, "x", x, 2), DDI_PROP_INVAL_ARG);
	CHECK_EQ(c, ddi_prop_create(DDI_DEV_T_NONE, c->dip, 0, "", x, 2), DDI_PROP_INVAL_ARG);
	CHECK_EQ(c, ddi_prop_create(DDI_DEV_T_NONE, c->dip, 0, "x", x, -1), DDI_PROP_INVAL_ARG);
	CHECK_EQ(c, ddi_prop_create(DDI_DEV_T_NONE, c->dip, 0, "x", NULL, 1), DDI_PROP_INVAL_ARG);
	CHECK_EQ(c, ddi_prop_modify(DDI_DEV_T_NONE, c->dip, 0, "x", x, 2), DDI_PROP_NOT_FOUND);
	CHECK_EQ(c, ddi_prop_remove(DDI_DEV_T_ANY, c->dip, "x"), DDI_PROP_INVAL_ARG);
	CHECK_EQ(c, ddi_prop_update_string_array(DDI_DEV_T_NONE, c->dip, "x", strings, 2),
		 DDI_PROP_INVAL_ARG);
	CHECK_EQ(c, ddi_prop_lookup_string(DDI_DEV_T_NONE, c->dip, 0, "text", &text),
		 DDI_PROP_INVAL_ARG);
	CHECK_EQ(c, ddi_prop_lookup_byte_array(DDI_DEV_T_ANY, c->dip, 0, "text", &bytes, &n),
		 DDI_PROP_CANNOT_DECODE);
}

void check_state_items(struct check *c)
{
	void *st = NULL;
	char *item;

	CHECK_EQ(c, ddi_soft_state_init(&st, 0, 1), EINVAL);
	CHECK_EQ(c, ddi_soft_state_init(&st, 100, 1), 0);
	CHECK(c, ddi_get_soft_state(st, 0) == NULL);
	CHECK(c, ddi_get_soft_state(st, -1) == NULL);
	CHECK(c, ddi_get_soft_state(NULL, 0) == NULL);
	CHECK_EQ(c, ddi_soft_state_zalloc(st, -1), DDI_FAILURE);
	CHECK_EQ(c, ddi_soft_state_zalloc(st, INT32_MAX), DDI_FAILURE);
	CHECK_EQ(c, ddi_soft_state_zalloc(st, 0), DDI_SUCCESS);
	CHECK_EQ(c, ddi_soft_state_zalloc(st, 0), DDI_FAILURE);
	CHECK_EQ(c, ddi_soft_state_zalloc(st, 1000), DDI_SUCCESS);
	item = ddi_get_soft_state(st, 1000);
	CHECK(c, item != NULL && item[99] == 0);
	CHECK(c, ddi_get_soft_state(st, 0) != NULL);
	ddi_soft_state_free(st, 0);
	CHECK(c, ddi_get_soft_state(st, 0) == NULL);
	ddi_soft_state_free(st, 0); /* C26: a message */
	CHECK_EQ(c, ddi_soft_state_zalloc(st, 0), DDI_SUCCESS);
	ddi_soft_state_fini(&st);
	CHECK(c, st == NULL);
}

static struct {
	void *state;
	int stop, wrong;
} grown;

static void state_read(void *arg)
{
	while (!__atomic_load_n(&grown.stop, __ATOMIC_ACQUIRE)) {
		int *p = ddi_get_soft_state(grown.state, 0);

		if (p == NULL || *p != 17)
			__atomic_store_n(&grown.wrong, 1, __ATOMIC_RELAXED);
		drv_usecwait(1);
	}
}

void check_state_grows(struct check *c)
{
	int failed = 0;

	grown.stop = grown.wrong = 0;
	CHECK_EQ(c, ddi_soft_state_init(&grown.state, sizeof(int), 1), 0);
	CHECK_EQ(c, ddi_soft_state_zalloc(grown.state, 0), DDI_SUCCESS);
	*(int *)ddi_get_soft_state(grown.state, 0) = 17;
	job_start(state_read, NULL);
	for (int i = 1; i < 5000; i++)
		failed += ddi_soft_state_zalloc(grown.state, i) != DDI_SUCCESS;
	__atomic_store_n(&grown.stop, 1, __ATOMIC_RELEASE);
	jobs_wait();
	ddi_soft_state_fini(&grown.state);
	CHECK_EQ(c, failed, 0);
	CHECK_EQ(c, grown.wrong, 0);
}

void check_uio_moves(struct check *c)
{
	char a[4] = "", b[8] = "", text[] = "0123456789abcdef";
	struct iovec iov[3] = { { a, 4 }, { NULL, 0 }, { b, 8 } };
	uio_t u = { .uio_iov = iov,
		    .uio_iovcnt = 3,
		    .uio_loffset = 100,
		    .uio_segflg = UIO_SYSSPACE,
		    .uio_resid = 12 };

	CHECK_EQ(c, uiomove(text, 6, UIO_READ, &u), 0);
	CHECK_EQ(c, u.uio_resid, 6);
	CHECK_EQ(c, u.uio_offset, 106);
	CHECK_EQ(c, ureadc('!', &u), 0);
	CHECK_EQ(c, uiomove(text, 16, UIO_READ, &u), 0); /* as much as there is */
	CHECK_EQ(c, u.uio_resid, 0);
	CHECK_EQ(c, memcmp(a, "0123", 4), 0);
	CHECK_EQ(c, memcmp(b, "45!01234", 8), 0);
	iov[0] = (struct iovec){ b, 3 };
	u = (uio_t){ .uio_iov = iov, .uio_iovcnt = 1, .uio_segflg = UIO_SYSSPACE, .uio_resid = 3 };
	CHECK_EQ(c, uwritec(&u), '4');
	CHECK_EQ(c, uiomove(text, 2, UIO_WRITE, &u), 0);
	CHECK_EQ(c, memcmp(text, "5!2", 3), 0);
	CHECK_EQ(c, uwritec(&u), -1);
}

void check_power(struct check *c)
{
	const char *const components[] = {
		"NAME=one", "0=off", "2=on", "NAME=two", "0=off", "1=on"
	};
	const char *const wrong[] = { "0=off", "NAME=one" };
	int level = 9;

	CHECK_EQ(c, pm_busy_component(c->dip, 0), DDI_FAILURE);
	CHECK_EQ(c,
		 ddi_prop_update_string_array(DDI_DEV_T_NONE, c->dip, "pm-components",
					      (char **)(uintptr_t)wrong, 2),
		 DDI_PROP_SUCCESS);
	CHECK_EQ(c, pm_busy_component(c->dip, 0), DDI_FAILURE); /* and a message */
	CHECK_EQ(c,
		 ddi_prop_update_string_array(DDI_DEV_T_NONE, c->dip, "pm-components",
					      (char **)(uintptr_t)components, 6),
		 DDI_PROP_SUCCESS);
	CHECK_EQ(c, pm_busy_component(c->dip, 1), DDI_SUCCESS);
	CHECK_EQ(c, pm_busy_component(c->dip, 2), DDI_FAILURE);
	CHECK_EQ(c, pm_idle_component(c->dip, 1), DDI_SUCCESS);
	CHECK_EQ(c, pm_idle_component(c->dip, 1), DDI_FAILURE);
	CHECK_EQ(c, pm_get_current_power(c->dip, 0, &level), DDI_FAILURE);
	CHECK_EQ(c, pm_power_has_changed(c->dip, 0, 1), DDI_FAILURE); /* no such level */
	CHECK_EQ(c, pm_power_has_changed(c->dip, 0, 2), DDI_SUCCESS);
	CHECK_EQ(c, pm_get_current_power(c->dip, 0, &level), DDI_SUCCESS);
	CHECK_EQ(c, level, 2);
	CHECK_EQ(c, pm_raise_power(c->dip, 0, 2), DDI_SUCCESS); /* it is there already */
	CHECK_EQ(c, pm_raise_power(c->dip, 1, 1), DDI_FAILURE); /* there is no power(9E) */
	CHECK_EQ(c, pm_lower_power(c->dip, 0, 0), DDI_SUCCESS);
	CHECK_EQ(c, pm_get_current_power(c->dip, 0, &level), DDI_SUCCESS);
	CHECK_EQ(c, level, 2);
	CHECK_EQ(c, ddi_removing_power(c->dip), 0);
	pm_destroy_components(c->dip);
	(void)ddi_prop_remove(DDI_DEV_T_NONE, c->dip, "pm-components");
	CHECK_EQ(c, pm_create_components(c->dip, 1), DDI_SUCCESS);
	CHECK_EQ(c, pm_create_components(c->dip, 1), DDI_FAILURE);
	pm_set_normal_power(c->dip, 0, 1);
	CHECK_EQ(c, pm_get_normal_power(c->dip, 0), 1);
	pm_destroy_components(c->dip);
}

void check_pages_round(struct check *c)
{
	CHECK_EQ(c, btop(2 * PAGESIZE - 1), 1);
	CHECK_EQ(c, btopr(2 * PAGESIZE - 1), 2);
	CHECK_EQ(c, btopr(2 * PAGESIZE), 2);
	CHECK_EQ(c, btopr((unsigned long)-1), ((unsigned long)-1 >> PAGESHIFT) + 1);
	CHECK_EQ(c, ptob(3), 3 * PAGESIZE);
	CHECK_EQ(c, ddi_btopr(c->dip, 1), 1);
	CHECK_EQ(c, ddi_model_convert_from(DDI_MODEL_NATIVE | 3), DDI_MODEL_NONE);
	CHECK_EQ(c, ddi_model_convert_from(DDI_MODEL_ILP32), DDI_MODEL_ILP32);
}

struct pair {
	char *where;
	long n;
};

struct pair32 {
	caddr32_t where;
	int32_t n;
};

void check_models(struct check *c)
{
	char text[] = "x";
	struct pair32 p32 = { 0x1000, -5 };
	struct pair native = { text, -6 };
	STRUCT_HANDLE(pair, h);
	STRUCT_DECL(pair, d);

	STRUCT_SET_HANDLE(h, DATAMODEL_ILP32 | 3, &p32);
	CHECK_EQ(c, STRUCT_SIZE(h), 8);
	CHECK_EQ(c, STRUCT_FGET(h, n), -5);
	CHECK(c, STRUCT_FGETP(h, where) == (void *)0x1000);
	STRUCT_FSET(h, n, 7);
	STRUCT_FSETP(h, where, (void *)0x2000);
	CHECK(c, p32.n == 7 && p32.where == 0x2000);
	CHECK(c, STRUCT_FADDR(h, n) == (void *)&p32.n);
	STRUCT_SET_HANDLE(h, DATAMODEL_NATIVE, &native);
	CHECK(c, STRUCT_FGET(h, n) == -6 && STRUCT_FGETP(h, where) == text);
	STRUCT_FSETP(h, where, NULL);
	CHECK(c, native.where == NULL && STRUCT_BUF(h) == &native);
	STRUCT_INIT(d, get_udatamodel());
	CHECK_EQ(c, STRUCT_SIZE(d), sizeof(struct pair));
	STRUCT_FSET(d, n, 9);
	CHECK_EQ(c, STRUCT_BUF(d)->n, 9);
}

void check_faults(struct check *c)
{
	int cap = DDI_FM_EREPORT_CAPABLE | DDI_FM_ACCCHK_CAPABLE;
	ddi_iblock_cookie_t cookie = &cap;
	ddi_fm_error_t error;

	ddi_fm_init(c->dip, &cap, &cookie);
	CHECK(c, cap == DDI_FM_NOT_CAPABLE && cookie == NULL && DDI_FM_DEFAULT_CAP(cap));
	ddi_fm_init(c->dip, NULL, NULL);
	CHECK_EQ(c, ddi_fm_capable(c->dip), 0);
	(void)memset(&error, 0xee, sizeof(error));
	ddi_fm_acc_err_get(NULL, &error, DDI_FME_VERSION);
	CHECK(c, error.fme_status == DDI_FM_OK && error.fme_version == DDI_FME_VER1);
	(void)memset(&error, 0xee, sizeof(error));
	ddi_fm_dma_err_get(NULL, &error, DDI_FME_VER0);
	CHECK(c, error.fme_status == DDI_FM_OK && error.fme_version == DDI_FME_VER0);
	ddi_fm_ereport_post(c->dip, "device.test", 0, DDI_NOSLEEP, "version", 1, 0, NULL);
	ddi_fm_service_impact(c->dip, DDI_SERVICE_UNAFFECTED);
	CHECK_EQ(c, ddi_check_acc_handle(NULL), DDI_SUCCESS);
	CHECK_EQ(c, ddi_check_dma_handle(NULL), DDI_SUCCESS);
	CHECK_EQ(c, ddi_get_devstate(c->dip), DDI_DEVSTATE_UP);
	ddi_fm_fini(c->dip);
}

void check_instance_facts(struct check *c)
{
	void *result;
	int number;

	CHECK_EQ(c, ddi_get_instance(c->dip), 0);
	CHECK(c, strcmp(ddi_driver_name(c->dip), "ddit") == 0);
	CHECK(c, strcmp(ddi_get_name(c->dip), "ddit") == 0);
	CHECK(c, ddi_get_parent(c->dip) == ddi_root_node());
	CHECK(c, ddi_get_parent(ddi_root_node()) == NULL);
	CHECK(c, strcmp(ddi_get_name(ddi_root_node()), "rootnex") == 0);
	CHECK_EQ(c, ddi_prop_get_int(DDI_DEV_T_ANY, ddi_root_node(), 0, "number", 7), 7);
	CHECK_EQ(c, ddi_dev_nregs(ddi_root_node(), &number), DDI_FAILURE);
	ddi_set_driver_private(c->dip, &number);
	CHECK(c, ddi_get_driver_private(c->dip) == &number);
	ddi_set_driver_private(c->dip, NULL);
	CHECK_EQ(c, ddi_no_info(c->dip, DDI_INFO_DEVT2DEVINFO, NULL, &result), DDI_FAILURE);
	CHECK_EQ(c, ddi_quiesce_not_needed(c->dip), DDI_SUCCESS);
	CHECK_EQ(c, ddi_quiesce_not_supported(c->dip), DDI_FAILURE);
	CHECK_EQ(c, mod_install(NULL), EINVAL); /* C26: only _init(9E) may */
}
