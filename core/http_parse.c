/* to be written */
typedef int http_parse_c_is_empty;
