/* Tables as they are printed, to the character. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/table.h"

static const struct neap_table_column columns[] = {
    {.title = "name", .left = true}, {.title = "MB"}, {.title = "", .close = true}};

static char *printed(neap_table_t *table, void (*print)(const neap_table_t *table, FILE *stream)) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    print(table, out);
    fclose(out);
    neap_table_destroy(table);
    return text;
}

static neap_table_t *example(void) {
    neap_table_t *table = neap_table_new(columns, 3);
    assert_non_null(table);
    neap_table_cell(table, NEAP_TONE_STRONG, "%s", "one");
    neap_table_cell(table, NEAP_TONE_PLAIN, "%.1f", 12.34);
    neap_table_cell(table, NEAP_TONE_GOOD, "%.2fx", 0.5);
    neap_table_cell(table, NEAP_TONE_PLAIN, "größer");
    neap_table_cell(table, NEAP_TONE_PLAIN, "1234.5");
    neap_table_cell(table, NEAP_TONE_BAD, "10.00x");
    neap_table_cell(table, NEAP_TONE_PLAIN, "x");
    neap_table_rest(table, NEAP_TONE_DIM, "failed: a long text that widens no column");
    return table;
}

static void test_print(void **state) {
    (void)state;
    char *text = printed(example(), neap_table_print);
    assert_string_equal(text, "name               MB\n"
                              "one       12.3  0.50x\n"
                              "größer  1234.5 10.00x\n"
                              "x       failed: a long text that widens no column\n");
    free(text);
}

static void test_html(void **state) {
    (void)state;
    neap_table_t *table = neap_table_new(columns, 3);
    neap_table_cell(table, NEAP_TONE_STRONG, "<b> & \"c\"");
    neap_table_rest(table, NEAP_TONE_BAD, "failed");
    char *text = printed(table, neap_table_html);
    assert_non_null(strstr(text, "&lt;b&gt; &amp; &quot;c&quot;"));
    assert_non_null(strstr(text, "colspan=\"2\">failed"));
    free(text);
}

static void test_empty(void **state) {
    (void)state;
    char *text = printed(neap_table_new(columns, 3), neap_table_print);
    assert_string_equal(text, "name  MB\n");
    free(text);
}

static void test_many_rows(void **state) {
    (void)state;
    neap_table_t *table = neap_table_new(columns, 3);
    for (int i = 0; i < 1000; i++)
        for (int column = 0; column < 3; column++)
            neap_table_cell(table, NEAP_TONE_PLAIN, "%d", i);
    char *text = printed(table, neap_table_print);
    assert_non_null(strstr(text, "\n999   999 999\n"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
