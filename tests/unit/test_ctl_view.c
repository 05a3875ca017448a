/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * show services, show classes: as JSON and as the text that is made from it.
 */
#include "test_ctl_view.h"

static void
test_services(void **state)
{
	json_t *all = call("show services", "{}", 0);

	(void)state;
	assert_int_equal(json_array_size(all), 2);
	check_json(json_array_get(all, 0),
			"{\"name\":\"web\",\"protocol\":\"tcp\",\"address\":\"192.0.2.80\",\"port\":80,"
			"\"scheduler\":\"round-robin\",\"connections\":1,"
			"\"original\":{\"packets\":201,\"bytes\":2000001},"
			"\"reply\":{\"packets\":401,\"bytes\":4000001},\"backends\":["
			"{\"address\":\"10.0.0.1\",\"port\":8080,\"weight\":3,\"connections\":1,"
			"\"original\":{\"packets\":100,\"bytes\":1000000},"
			"\"reply\":{\"packets\":200,\"bytes\":2000000}},"
			"{\"address\":\"10.0.0.2\",\"port\":80,\"weight\":1,\"connections\":0,"
			"\"original\":{\"packets\":101,\"bytes\":1000001},"
			"\"reply\":{\"packets\":201,\"bytes\":2000001}}]}");
	json_decref(all);
	assert_string_equal(squeezed(prompt("show services\n")),
			"Services and their backends (IP bytes; back: from the backend)\n"
			"service address proto choice connections packets bytes packets back bytes back\n"
			"web 192.0.2.80:80 tcp round-robin 1 201 2,000,001 401 4,000,001\n"
			"10.0.0.1:8080 weight 3 1 100 1,000,000 200 2,000,000\n"
			"10.0.0.2:80 weight 1 0 101 1,000,001 201 2,000,001\n"
			"dns [2001:db8::1]:53 udp hash 0 102 1,000,002 202 2,000,002\n"
			"[2001:db8::53]:5353 weight 1 0 102 1,000,002 202 2,000,002\n");
}

static void
test_classes(void **state)
{
	json_t *all = call("show classes", "{}", 0);

	(void)state;
	check_json(all,
			"{\"classes\":["
			"{\"name\":\"default\",\"drop\":false,\"port\":null,\"queue\":null,\"mark\":null,"
			"\"packets\":10,\"bytes\":123456789},"
			"{\"name\":\"gold\",\"drop\":false,\"port\":\"server\",\"queue\":3,\"mark\":7,"
			"\"packets\":11,\"bytes\":123456790},"
			"{\"name\":\"bad\",\"drop\":true,\"port\":null,\"queue\":null,\"mark\":null,"
			"\"packets\":12,\"bytes\":123456791}],"
			"\"rules\":[{\"class\":\"gold\",\"hits\":1},{\"class\":\"bad\",\"hits\":0}],"
			"\"default\":{\"class\":\"default\",\"hits\":1}}");
	json_decref(all);
	assert_string_equal(squeezed(prompt("show classes\n")),
			"Classes (IP bytes)\n"
			"class action port queue mark packets bytes\n"
			"default forward - - - 10 123,456,789\n"
			"gold forward server 3 7 11 123,456,790\n"
			"bad drop - - - 12 123,456,791\n"
			"\nRules (hits: decisions, at least one a direction of a connection)\n"
			"rule class hits\n"
			"0 gold 1\n"
			"1 bad 0\n"
			"none default 1\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_classes),
	};

	if (unit_eal_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
