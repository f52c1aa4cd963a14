# id TAB 1 TAB name for a customer, id TAB 2 TAB order ... for an order: the customer comes first.
case $map_input_file in
*/customers.tsv) exec awk -F '\t' '{print $1 "\t1\t" $2}' ;;
*/orders.tsv) exec awk -F '\t' '{print $2 "\t2\t" $1 "\t" $3}' ;;
*) echo "neither customers nor orders: $map_input_file" >&2; exit 1 ;;
esac
