/* to be written */
typedef int report_c_is_empty;
