echo "Hello from process $$ of user $(id -u), in $PWD."
echo "Files here: $(ls | sort | paste -sd ' ')"
