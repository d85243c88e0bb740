"""The Online Retail lines as a QuickBooks company: every decision about dirty input, and the objects that follow.

Reads a parquet file of invoice lines (docs/online-retail.md has its columns, and each decision with its reason) twice:
survey.py looks at everything once, company.py builds the documents, which come out in chunks so that memory stays
flat; source.py reads the file, generated.py makes up what it lacks. No network: load_retail.py sends the chunks to a
simulator.
"""

from sandbox.quickbooks.retail.company import RetailCompany
from sandbox.quickbooks.retail.source import RetailError
from sandbox.quickbooks.retail.survey import DECISIONS

__all__ = ["DECISIONS", "RetailCompany", "RetailError"]
