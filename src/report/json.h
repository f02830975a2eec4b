/* report/json.h: JSON documents that name their schema. Values are jansson's.
 *
 * One thread at a time for one value.
 */
#ifndef NEAP_REPORT_JSON_H
#define NEAP_REPORT_JSON_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* Makes an object whose first member is "schema", for example "neap.compare/1".
 * NULL if there is no memory. */
json_t *neap_json_document(const char *schema);

/* Makes a string of any bytes; bytes that are not UTF-8 become U+FFFD. */
json_t *neap_json_text(const char *text);

/* The first makes a whole number; the second sets one as a member of `object`. Values must be below
 * 2^63, which all counts of bytes are. */
json_t *neap_json_number(uint64_t value);
void neap_json_set(json_t *object, const char *name, uint64_t value);

/* Prints the document, with members in the order in which they were set, and a
 * line feed. Takes over the reference. Returns 0, NEAP_ERROR_MEMORY if `document`
 * is NULL, or NEAP_ERROR_SYSTEM if it could not be written. */
int neap_json_print(json_t *document, FILE *stream);

/* Writes `value` as an element <script> with data, which the code of the page reads. Returns 0 or
 * NEAP_ERROR_MEMORY. */
int neap_json_script(FILE *stream, const json_t *value);

#endif
